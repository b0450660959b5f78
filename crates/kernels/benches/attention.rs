//! Attention against PyTorch's bf16 SDPA, forward and backward: see `peer`.

mod peer;

use std::hint::black_box;

use kernels::attention::{Attention, Saved, attention, attention_backward};
use peer::{Peer, values};

fn main() {
    let mut peer = Peer::start();
    for (batch, queries, keys, heads, head_dim) in [
        (1, 1024, 1024, 12, 128),
        (1, 4096, 4096, 12, 128),
        (1, 1024, 1024, 4, 64),
        (1, 4096, 4096, 4, 64),
        (1, 8192, 8192, 4, 64),
        (1, 8192, 8192, 2, 128),
        (1, 768, 512, 12, 128),
        (1, 3510, 512, 12, 128),
        (1, 1024, 1024, 8, 72),
        (1, 320, 320, 4, 64),
        (8, 320, 320, 4, 64),
        (32, 64, 64, 4, 64),
    ] {
        let shape = Attention { batch, queries, keys, heads, head_dim };
        let (rows, columns) = (batch * queries * heads * head_dim, batch * keys * heads * head_dim);
        let (q, k, v) = (values(rows), values(columns), values(columns));
        let (mut out, mut lse) = (vec![0.0; rows], vec![0.0; shape.lse_len()]);
        let flop = 4.0 * (batch * heads * queries * keys * head_dim) as f64;
        let sizes = format!("{batch} {queries} {keys} {heads} {head_dim}");
        let name = format!("{batch} x {queries} over {keys}, {heads} heads x {head_dim}");
        peer.compare(&name, flop, &format!("attention {sizes}"), || {
            attention(&shape, &q, &k, &v, black_box(&mut out), &mut lse);
        });
        if queries.max(keys) > 1024 {
            continue;
        }
        let (mut dq, mut dk, mut dv) = (q.clone(), k.clone(), v.clone());
        let request = format!("attention_backward {sizes}");
        peer.compare(&format!("  gradients of {name}"), 2.5 * flop, &request, || {
            let saved = Saved { q: &q, k: &k, v: &v, out: &out, lse: &lse };
            attention_backward(&shape, saved, &out, black_box(&mut dq), &mut dk, &mut dv);
        });
    }
}
