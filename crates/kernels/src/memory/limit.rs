//! How much memory this process may take: the least of what the machine has, what control groups allow, and what
//! `ulimit` allows.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// An upper bound of the memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Bytes that the process can have in use at once.
    pub bytes: usize,
    /// Who says so.
    pub source: LimitSource,
}

/// Who limits the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// There is no more.
    Machine,
    /// A control group: of a container, of a service, of a batch job.
    ControlGroup,
    /// `ulimit -v`.
    AddressSpace,
    /// `ulimit -d`.
    Data,
}

/// The end of "this takes 2 GiB, and …".
impl fmt::Display for LimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "the machine has",
            Self::ControlGroup => "the control group (of a container or a job) allows",
            Self::AddressSpace => "`ulimit -v` leaves",
            Self::Data => "`ulimit -d` leaves",
        })
    }
}

/// The least of all limits that the system tells of; none where it tells of none, as outside Linux.
pub fn limit() -> Option<MemoryLimit> {
    limit_under(Path::new("/"))
}

/// The address space that the process may still take, in bytes; none where nothing limits it.
pub fn address_space_left() -> Option<usize> {
    let proc = |file: &str| fs::read_to_string(Path::new("/proc/self").join(file)).unwrap_or_default();
    let limit = resource(&proc("limits"), "Max address space")?;
    Some(limit.saturating_sub(kib(&proc("status"), "VmSize:")?))
}

/// [`limit`] of a system whose files `/proc` and `/sys` are in `root`.
fn limit_under(root: &Path) -> Option<MemoryLimit> {
    let proc = |file: &str| fs::read_to_string(root.join("proc").join(file)).unwrap_or_default();
    let limit = |bytes: Option<usize>, source| bytes.map(|bytes| MemoryLimit { bytes, source });
    let limits = proc("self/limits");
    // What the address space has besides what is in use stays so: the program's text, stacks, reserved memory.
    let status = proc("self/status");
    let in_use = kib(&status, "VmRSS:").unwrap_or(0);
    let besides = |of: &str| kib(&status, of).map_or(0, |all| all.saturating_sub(in_use));
    let left = |row: &str, of: &str, more: usize| {
        let limit = resource(&limits, row)?;
        let lost = besides(of).saturating_sub(reserved(&proc("self/smaps")));
        Some(limit.saturating_sub(lost).saturating_sub(more))
    };
    [
        limit(kib(&proc("meminfo"), "MemTotal:"), LimitSource::Machine),
        limit(control_groups(root, &proc("self/cgroup"), &proc("self/mountinfo")), LimitSource::ControlGroup),
        limit(left("Max address space", "VmSize:", YET_TO_COME), LimitSource::AddressSpace),
        limit(left("Max data size", "VmData:", YET_TO_COME), LimitSource::Data),
    ]
    .into_iter()
    .flatten()
    .min_by_key(|limit| limit.bytes)
}

/// Address space that a process takes later on without using it: stacks of threads that are yet to be started, and the
/// ends of what the allocator reserves.
const YET_TO_COME: usize = 256 << 20;

/// What the allocator holds in reserve: it takes address space by the gibibyte, where the limit leaves as much, and
/// hands it out later. Of large anonymous mappings, what is not in use.
fn reserved(smaps: &str) -> usize {
    const LARGE: usize = 256 << 20;
    let (mut bytes, mut size, mut is_anonymous) = (0, 0, false);
    for line in smaps.lines() {
        let name = line.split_whitespace().next().unwrap_or("");
        match name {
            "Size:" => size = kib(line, "Size:").unwrap_or(0),
            "Rss:" if is_anonymous && size >= LARGE => {
                bytes += size.saturating_sub(kib(line, "Rss:").unwrap_or(0));
            }
            // Such as `7f0000000000-7f0040000000 rw-p 00000000 00:00 0`, and a name if it is that of a file.
            _ if name.contains('-') => {
                is_anonymous = line.split_whitespace().nth(5).is_none_or(|name| name.starts_with("[anon"));
            }
            _ => {}
        }
    }
    bytes
}

/// The bytes that a line such as `MemTotal:  1024 kB` gives.
fn kib(text: &str, name: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// The soft limit of a row of `/proc/self/limits`.
fn resource(limits: &str, row: &str) -> Option<usize> {
    let values = limits.lines().find_map(|line| line.strip_prefix(row))?;
    values.split_whitespace().next()?.parse().ok()
}

/// The least limit of the control groups that this process is in, and of those above them.
fn control_groups(root: &Path, groups: &str, mounts: &str) -> Option<usize> {
    let mounts = mounts.lines().filter_map(Mount::parse).collect::<Vec<_>>();
    let limits = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let unified = controllers.is_empty();
        if !unified && !controllers.split(',').any(|controller| controller == "memory") {
            return Vec::new();
        }
        let fits = |mount: &&Mount<'_>| match unified {
            true => mount.kind == "cgroup2",
            false => mount.kind == "cgroup" && mount.options.split(',').any(|option| option == "memory"),
        };
        // A process may see only the part of the hierarchy that belongs to its container.
        let folders = mounts.iter().filter(fits).flat_map(|mount| mount.folders(root, path));
        folders.flat_map(|folder| limits_of(&folder)).collect()
    });
    limits.min()
}

/// What the files of one control group say.
fn limits_of(folder: &Path) -> Vec<usize> {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let own = ["memory.max", "memory.limit_in_bytes"].into_iter().filter_map(read);
    let mut limits = own.filter_map(|text| text.trim().parse().ok()).collect::<Vec<usize>>();
    // Version 1 tells of those above that cannot be seen.
    let above = read("memory.stat").unwrap_or_default();
    let above = above.lines().find_map(|line| line.strip_prefix("hierarchical_memory_limit "));
    limits.extend(above.and_then(|bytes| bytes.trim().parse::<usize>().ok()));
    limits
}

/// A line of `/proc/self/mountinfo`.
struct Mount<'a> {
    /// What of the file system is mounted.
    root: &'a str,
    /// Where.
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut system = system.split(' ');
        Some(Self {
            root: mount.next()?,
            point: mount.next()?,
            kind: system.next()?,
            options: system.nth(1).unwrap_or(""),
        })
    }

    /// The folder of the group `path`, and those above it as far as they are mounted.
    fn folders(&self, root: &Path, path: &str) -> Vec<PathBuf> {
        let point = root.join(self.point.trim_start_matches('/'));
        let inside = Path::new(path).strip_prefix(self.root).unwrap_or(Path::new(""));
        // A path that leads out of the mounted part, as from within a namespace, is not followed.
        let plain = inside.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let inside = if plain { inside } else { Path::new("") };
        inside.ancestors().map(|group| point.join(group)).collect()
    }
}

#[cfg(test)]
mod tests;
