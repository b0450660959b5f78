//! Limits as the files of real systems tell of them.

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;

const MIB: usize = 1 << 20;

/// A folder with files as a system has them, removed at the end.
struct System(PathBuf);

impl System {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("kinora-limit-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let system = Self(env::temp_dir().join(name));
        system.write("proc/meminfo", "MemTotal:       24737048 kB\nMemFree:        21500000 kB\n");
        system.write("proc/self/limits", UNLIMITED);
        system.write("proc/self/status", "VmSize:\t  200000 kB\nVmRSS:\t  100000 kB\nVmData:\t  150000 kB\n");
        for (file, text) in files {
            system.write(file, text);
        }
        system
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn limit(&self) -> (usize, LimitSource) {
        let limit = limit_under(&self.0).unwrap();
        (limit.bytes, limit.source)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const UNLIMITED: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max data size             unlimited            unlimited            bytes     
Max stack size            8388608              unlimited            bytes     
Max address space         unlimited            unlimited            bytes     
";
/// Of a machine with version 2, seen from outside every container.
const V2: &str = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
/// Of a machine with version 1, from inside a container of Docker.
const V1: &str = "\
700 680 0:29 /docker/4f2a /sys/fs/cgroup/systemd ro - cgroup cgroup rw,xattr,name=systemd
710 680 0:33 /docker/4f2a /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory
";
const V1_UNLIMITED: &str = "9223372036854771712\n";

#[test]
fn without_limits_the_machine_counts() {
    let system = System::new(&[
        ("proc/self/cgroup", "0::/user.slice/session-3.scope\n"),
        ("proc/self/mountinfo", V2),
        ("sys/fs/cgroup/user.slice/session-3.scope/memory.max", "max\n"),
    ]);
    assert_eq!(system.limit(), (24_737_048 * 1024, LimitSource::Machine));
}

#[test]
fn the_least_of_all_groups_above_counts_in_version_2() {
    let groups =
        [("", "max"), ("a/", "1073741824"), ("a/b/", "419430400"), ("a/b/c/", "max"), ("other/", "1")];
    let system = System::new(&[("proc/self/cgroup", "0::/a/b/c\n"), ("proc/self/mountinfo", V2)]);
    for (group, max) in groups {
        system.write(&format!("sys/fs/cgroup/{group}memory.max"), max);
    }
    assert_eq!(system.limit(), (400 * MIB, LimitSource::ControlGroup));
}

#[test]
fn a_container_sees_its_own_group_as_the_root() {
    let system = System::new(&[
        ("proc/self/cgroup", "0::/\n"),
        ("proc/self/mountinfo", V2),
        ("sys/fs/cgroup/memory.max", "419430400\n"),
    ]);
    assert_eq!(system.limit(), (400 * MIB, LimitSource::ControlGroup));
    system.write("proc/self/cgroup", "0::/../../outside\n");
    assert_eq!(system.limit(), (400 * MIB, LimitSource::ControlGroup));
}

#[test]
fn version_1_is_read_under_the_paths_of_the_machine_and_of_the_container() {
    let system = System::new(&[
        ("proc/self/cgroup", "9:name=systemd:/docker/4f2a\n4:cpu,memory:/docker/4f2a\n0::/\n"),
        ("proc/self/mountinfo", V1),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "419430400\n"),
    ]);
    assert_eq!(system.limit(), (400 * MIB, LimitSource::ControlGroup));

    let outside = "43 35 0:38 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
    let system = System::new(&[
        ("proc/self/cgroup", "4:memory:/slurm/job_7/step_0\n"),
        ("proc/self/mountinfo", outside),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", V1_UNLIMITED),
        ("sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes", "838860800\n"),
        ("sys/fs/cgroup/memory/slurm/job_7/step_0/memory.limit_in_bytes", V1_UNLIMITED),
    ]);
    assert_eq!(system.limit(), (800 * MIB, LimitSource::ControlGroup));
}

#[test]
fn version_1_tells_of_limits_above_what_is_seen() {
    let system = System::new(&[
        ("proc/self/cgroup", "4:memory:/docker/4f2a\n"),
        ("proc/self/mountinfo", V1),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", V1_UNLIMITED),
        ("sys/fs/cgroup/memory/memory.stat", "cache 0\nhierarchical_memory_limit 419430400\n"),
    ]);
    assert_eq!(system.limit(), (400 * MIB, LimitSource::ControlGroup));
}

#[test]
fn of_a_limit_of_the_address_space_what_is_taken_besides_memory_is_gone() {
    for (row, source, besides) in [
        ("Max address space", LimitSource::AddressSpace, 100_000),
        ("Max data size", LimitSource::Data, 50_000),
    ] {
        let line = format!("{row:26}{:<21}unlimited            bytes     \n", 1000 * MIB);
        let system = System::new(&[("proc/self/limits", &line)]);
        assert_eq!(system.limit(), (1000 * MIB - besides * 1024 - YET_TO_COME, source));
    }
    let line = format!("{:26}{:<21}unlimited            bytes     \n", "Max address space", 4096);
    let system = System::new(&[("proc/self/limits", &line)]);
    assert_eq!(system.limit(), (0, LimitSource::AddressSpace));
}

#[test]
fn a_system_that_tells_nothing_has_no_limit() {
    assert_eq!(limit_under(Path::new("/no/such/folder")), None);
    let damaged = [
        ("proc/meminfo", "MemTotal: many kB"),
        ("proc/self/cgroup", ":::\n4:memory"),
        ("proc/self/mountinfo", " - \nx"),
    ];
    assert_eq!(limit_under(&System::new(&damaged).0), None);
}

#[cfg(target_os = "linux")]
#[test]
fn this_machine_has_a_limit() {
    assert!(limit().unwrap().bytes > 100 * MIB);
}

#[test]
fn what_the_allocator_holds_in_reserve_is_not_lost() {
    let system = System::new(&[]);
    let limits =
        UNLIMITED.replace("Max address space         unlimited", "Max address space         1500000000");
    system.write("proc/self/limits", &limits);
    system.write("proc/self/status", "VmSize:\t 1248576 kB\nVmRSS:\t  100000 kB\nVmData:\t  150000 kB\n");
    assert_eq!(system.limit().0, 1_500_000_000 - 1_148_576 * 1024 - 256 * MIB);
    let mappings = "\
55d0c0000000-55d0d0000000 r-xp 00000000 fe:00 247030                     /usr/bin/kinora
Size:            1048576 kB
Rss:                4096 kB
7f0000000000-7f0040000000 rw-p 00000000 00:00 0 
Size:            1048576 kB
KernelPageSize:        4 kB
Rss:               90000 kB
7f0040000000-7f0040800000 rw-p 00000000 00:00 0 
Size:               8192 kB
Rss:                   8 kB
";
    system.write("proc/self/smaps", mappings);
    let lost = (1_148_576 - (1_048_576 - 90_000)) * 1024;
    assert_eq!(system.limit(), (1_500_000_000 - lost - 256 * MIB, LimitSource::AddressSpace));
}
