"""Reads clips of `kinora world` and their ground truth into arrays: FOLDER -> FOLDER.npz."""

import json,sys,subprocess,os,glob,numpy as np,imageio_ffmpeg
FF=imageio_ffmpeg.get_ffmpeg_exe()
KIND="ball cube cone cylinder car house tree boat bird dog robot person plane".split()
COL="red orange yellow green blue purple white black".split()
SIZE=["small","large"]; GR="grass sand snow water road".split(); TD="morning noon evening night".split(); WE="clear rain snow".split()
CAM="still pan_left pan_right zoom_in zoom_out orbit_left orbit_right".split()
ACT="rests rolls slides drives walks flies floats falls bounces jumps spins collides_with passes_behind".split()
DIR="left right towards away".split()
HALF=dict(ball=.5,cube=.44,cone=.56,cylinder=.5,car=.36,house=.54,tree=.64,boat=.58,bird=.42,dog=.47,robot=.58,person=.62,plane=.3)
def qmul(a,b):
    x1,y1,z1,w1=a;x2,y2,z2,w2=b
    return np.array([w1*x2+x1*w2+y1*z2-z1*y2,w1*y2-x1*z2+y1*w2+z1*x2,w1*z2+x1*y2-y1*x2+z1*w2,w1*w2-x1*x2-y1*y2-z1*z2])
def decode(p):
    o=subprocess.run([FF,'-v','error','-threads','1','-i',p,'-f','rawvideo','-pix_fmt','rgb24','-'],stdout=subprocess.PIPE).stdout
    return np.frombuffer(o,np.uint8).reshape(-1,128,128,3)
def thing_truth(r):
    s=r['scene'];t=r['truth'];F=t['frames'];n=len(s['things']);T=len(F)
    out=np.zeros((3,T,22),np.float32)  # seen vis box4 dist vel3 spin3 height stride wings action dir  | exists
    grav=0
    begins=[(m['time'],m['happening']['begins']) for m in t['moments'] if isinstance(m['happening'],dict) and 'begins' in m['happening']]
    for k in range(n):
        th=s['things'][k]; sc=.92 if th['size']=='small' else 1.45
        half=HALF[th['kind']]*sc
        stand=half if s['ground']!='water' else (.84*half if th['kind']=='boat' else .3*half)
        for i in range(T):
            j=min(max(i,1),T-2)
            a,b,c=F[j-1],F[j],F[j+1]; A,B,C=a['things'][k],b['things'][k],c['things'][k]
            me=F[i]['things'][k]; el=c['time']-a['time']
            cam=b['camera']; back=np.array(cam['position'])-np.array(cam['target']); tw=np.array([back[0],0,back[2]]); tw/=np.linalg.norm(tw)
            ax=np.stack([np.cross([0,1,0],tw),[0,1,0],tw])
            v=ax@((np.array(C['position'])-np.array(A['position']))/el)
            qa=np.array(A['orientation']); qc=np.array(C['orientation']); q=qmul(qc,qa*np.array([-1,-1,-1,1]))
            if q[3]<0:q=-q
            vn=np.linalg.norm(q[:3]); ang=2*np.arctan2(vn,q[3]); sp=ax@((q[:3]/vn*ang if vn>1e-9 else np.zeros(3))/el)
            bx=me['screen_box']; b4=[bx['min'][0],bx['min'][1],bx['max'][0],bx['max'][1]] if bx else [0,0,0,0]
            dist=np.linalg.norm(np.array(me['position'])-np.array(F[i]['camera']['position']))
            if k==0:
                ev=[e for (tm,e) in begins if tm<=F[i]['time']+1e-3]
                ev=ev[-1] if ev else s['events'][0]
                act=ACT.index(ev['action']); d=0 if ev['direction'] is None else 1+DIR.index(ev['direction'])
            else:
                act,d=(0,0) if np.linalg.norm(v)<.05 else (-1,-1)
            st=me['posture']['stride']**2; wi=float(me['posture']['wings'] is not None)
            out[k,i,:]=[1 if bx else 0,me['visibility'],*b4,dist,*v,*sp,B['position'][1]-stand,st,wi,act,d,KIND.index(th['kind']),COL.index(th['colour']),SIZE.index(th['size']),1]
    return out
def glob_truth(r):
    s=r['scene'];F=r['truth']['frames'];T=len(F)
    g=[GR.index(s['ground']),TD.index(s['time_of_day']),WE.index(s['weather']),CAM.index(s['camera']),len(s['things'])]
    rates=np.zeros((T,3),np.float32)
    for i in range(T):
        j=min(max(i,1),T-2); a,c=F[j-1],F[j+1]; el=c['time']-a['time']
        pa,pc=np.array(a['camera']['position']),np.array(c['camera']['position'])
        fa,fc=pa-np.array(a['camera']['target']),pc-np.array(c['camera']['target'])
        tu=np.arctan2(fc[0],fc[2])-np.arctan2(fa[0],fa[2]); tu=(tu+np.pi)%(2*np.pi)-np.pi
        if np.linalg.norm(pa-pc)<1e-4: rates[i]=[tu/el,0,0]
        else: rates[i]=[0,np.log(np.linalg.norm(fa)/np.linalg.norm(fc))/el,-tu/el]
    return g,rates
for d in sys.argv[1:]:
    if os.path.exists(f'{d}.npz'): continue
    js=sorted(glob.glob(d+'/*.json'))
    X=[];A=[];G=[];R=[]
    for j in js:
        r=json.load(open(j)); X.append(decode(j[:-5]+'.mp4')); A.append(thing_truth(r)); g,rt=glob_truth(r); G.append(g); R.append(rt)
    np.savez(f'{d}.npz',x=np.stack(X),a=np.stack(A),g=np.array(G),r=np.stack(R))
    print(d,len(js),flush=True)
