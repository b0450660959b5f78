//! What a path to write leads to, and whether it can be written there when the work is done.

use std::{
    borrow::Cow,
    env,
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

use crate::folder_of;

/// The end of a path's symbolic links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file that is made, or replaced in one step.
    File(PathBuf),
    /// A named pipe, a terminal or another device that takes bytes as they come, or a file that this program has open
    /// already, as `/dev/stdout` may be.
    Stream(PathBuf),
}

/// Links that the system follows before it speaks of a circle.
#[cfg(unix)]
const MAX_LINKS: usize = 40;

impl Target {
    /// Follows `path` and refuses what must not or cannot be replaced: folders, sockets, disks, read-only files (for
    /// everybody, as root too: no write bit is a wish of the owner's), files that the system protects.
    pub fn of(path: &Path) -> io::Result<Self> {
        if names_a_folder(path) {
            return Err(refusal(io::ErrorKind::IsADirectory, "it names a folder"));
        }
        // The system follows first, as it denies links that others have planted in a shared folder.
        let metadata = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(explained(error)),
        };
        if metadata.as_ref().is_some_and(Metadata::is_dir) {
            return Err(refusal(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        #[cfg(unix)]
        return unix::target(path, metadata.as_ref());
        #[cfg(not(unix))]
        match metadata {
            Some(metadata) if metadata.permissions().readonly() => {
                Err(refusal(io::ErrorKind::PermissionDenied, "it is read-only"))
            }
            _ => Ok(Self::File(path.to_owned())),
        }
    }

    /// Where files wait until they go there: on the same disk if it is a file.
    pub fn folder(&self) -> Cow<'_, Path> {
        match self {
            Self::File(path) => folder_of(path).into(),
            Self::Stream(_) => env::temp_dir().into(),
        }
    }

    /// Opens a stream, which may wait for a reader to come. A file is not opened.
    pub fn open_stream(&self) -> io::Result<Option<File>> {
        match self {
            Self::File(_) => Ok(None),
            #[cfg(unix)]
            Self::Stream(path) => unix::open_stream(path).map(Some),
            #[cfg(not(unix))]
            Self::Stream(path) => fs::OpenOptions::new().write(true).open(path).map(Some),
        }
    }
}

/// Whether bytes that are written to `path` come out of this program's standard output (and would mix with what else
/// is printed there).
pub fn leads_to_stdout(path: &Path) -> bool {
    #[cfg(unix)]
    return matches!(Target::of(path), Ok(Target::Stream(_))) && unix::is_visible_stdout(path);
    #[cfg(not(unix))]
    return false;
}

fn names_a_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    path.file_name().is_none() || text.ends_with(b"/") || text.ends_with(b"/.")
}

pub(super) fn refusal(kind: io::ErrorKind, reason: &'static str) -> io::Error {
    io::Error::new(kind, reason)
}

/// The system's words for a circle of links are hard to read.
fn explained(error: io::Error) -> io::Error {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return io::Error::other("its symbolic links lead in a circle");
    }
    error
}

#[cfg(unix)]
mod unix {
    use std::{
        io::{IsTerminal, stderr, stdout},
        os::{
            fd::AsFd,
            unix::fs::{FileTypeExt, MetadataExt},
        },
    };

    use rustix::fs::Access;

    use super::*;

    /// No such bit: nobody may write.
    const WRITE_BITS: u32 = 0o222;
    const STICKY_BIT: u32 = 0o1000;

    pub fn target(path: &Path, metadata: Option<&Metadata>) -> io::Result<Target> {
        let Some(metadata) = metadata else {
            let end = follow(path)?.unwrap_or_else(|| path.to_owned());
            refuse_protected(&end)?;
            return Ok(Target::File(end));
        };
        let kind = metadata.file_type();
        if kind.is_socket() {
            return Err(refusal(io::ErrorKind::InvalidInput, "it is a socket"));
        }
        if kind.is_block_device() {
            return Err(refusal(io::ErrorKind::InvalidInput, "it is a disk"));
        }
        if metadata.mode() & WRITE_BITS == 0 {
            let reason = "it is read-only (chmod +w permits writing)";
            return Err(refusal(io::ErrorKind::PermissionDenied, reason));
        }
        let stream = Target::Stream(path.to_owned());
        let end = match kind.is_file() {
            true => follow(path)?,
            false => None,
        };
        let Some(end) = end else {
            if open_already(metadata)?.is_none() {
                rustix::fs::access(path, Access::WRITE_OK)?;
            }
            return Ok(stream);
        };
        refuse_protected(&end)?;
        rustix::fs::access(&end, Access::WRITE_OK)?;
        refuse_sticky(&end, metadata)?;
        Ok(Target::File(end))
    }

    /// The end of the links at `path`, which need not exist; `None` if one of them is no path but the system's way to
    /// an open file.
    fn follow(path: &Path) -> io::Result<Option<PathBuf>> {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
                return Ok(Some(path));
            }
            if is_in_proc(folder_of(&path)) {
                return Ok(None);
            }
            path = folder_of(&path).join(fs::read_link(&path)?);
            if names_a_folder(&path) {
                return Err(refusal(io::ErrorKind::IsADirectory, "its symbolic link names a folder"));
            }
        }
        Err(refusal(io::ErrorKind::Other, "its symbolic links lead in a circle"))
    }

    #[cfg(target_os = "linux")]
    fn is_in_proc(folder: &Path) -> bool {
        /// Of `proc`, in the system's headers.
        const PROC_SUPER_MAGIC: i64 = 0x9fa0;
        rustix::fs::statfs(folder).is_ok_and(|system| system.f_type == PROC_SUPER_MAGIC)
    }

    #[cfg(not(target_os = "linux"))]
    fn is_in_proc(_folder: &Path) -> bool {
        false
    }

    /// What a rename to `path` would be refused for, told beforehand.
    #[cfg(target_os = "linux")]
    fn refuse_protected(path: &Path) -> io::Result<()> {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
        let attributes = |path: &Path| {
            // A system that does not know finds out at the end.
            statx(CWD, path, AtFlags::empty(), StatxFlags::empty())
                .map_or(StatxAttributes::empty(), |found| found.stx_attributes)
        };
        let own = attributes(path);
        let reason = if own.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
            "it may not be replaced (chattr -i -a permits it)"
        } else if own.contains(StatxAttributes::MOUNT_ROOT) {
            "it is mounted there on its own and cannot be replaced"
        } else if attributes(folder_of(path)).contains(StatxAttributes::APPEND) {
            "its folder keeps what is in it (chattr -a permits changes)"
        } else {
            return Ok(());
        };
        Err(refusal(io::ErrorKind::PermissionDenied, reason))
    }

    #[cfg(not(target_os = "linux"))]
    fn refuse_protected(_path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn refuse_sticky(path: &Path, file: &Metadata) -> io::Result<()> {
        let folder = fs::metadata(folder_of(path))?;
        let us = rustix::process::geteuid().as_raw();
        if sticky_forbids(folder.mode(), folder.uid(), file.uid(), us) && !acts_for_every_owner(us) {
            let reason = "it belongs to another user, and its folder lets only owners replace files";
            return Err(refusal(io::ErrorKind::PermissionDenied, reason));
        }
        Ok(())
    }

    /// In a folder with the sticky bit, as `/tmp`, a file is replaced by its owner or the folder's.
    pub fn sticky_forbids(folder_mode: u32, folder_owner: u32, file_owner: u32, us: u32) -> bool {
        folder_mode & STICKY_BIT != 0 && us != folder_owner && us != file_owner
    }

    /// Whether the system lets this process do what only owners may: root as a rule, but not in every container.
    fn acts_for_every_owner(us: u32) -> bool {
        const CAP_FOWNER: u64 = 1 << 3;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let capabilities = field.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
        capabilities.map_or(us == 0, |capabilities| capabilities & CAP_FOWNER != 0)
    }

    pub fn open_stream(path: &Path) -> io::Result<File> {
        let metadata = fs::metadata(path)?;
        match open_already(&metadata)? {
            Some(file) => Ok(file),
            None => fs::OpenOptions::new().write(true).truncate(metadata.is_file()).open(path),
        }
    }

    /// What is open as standard output or error is not opened again: a second position in the same file would
    /// overwrite what was printed, and the one who gave it may not let us open it.
    fn open_already(metadata: &Metadata) -> io::Result<Option<File>> {
        for open in [stdout().as_fd().try_clone_to_owned(), stderr().as_fd().try_clone_to_owned()] {
            let open = File::from(open?);
            if is_same(&open.metadata()?, metadata) {
                return Ok(Some(open));
            }
        }
        Ok(None)
    }

    /// What goes to `/dev/null` mixes with nothing.
    pub fn is_visible_stdout(path: &Path) -> bool {
        let stdout = stdout();
        let Ok(open) = stdout.as_fd().try_clone_to_owned().map(File::from) else { return false };
        let (Ok(open), Ok(metadata)) = (open.metadata(), fs::metadata(path)) else { return false };
        is_same(&open, &metadata) && (stdout.is_terminal() || !open.file_type().is_char_device())
    }

    fn is_same(a: &Metadata, b: &Metadata) -> bool {
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    };

    use super::*;

    fn refused(path: &Path) -> String {
        Target::of(path).unwrap_err().to_string()
    }

    #[test]
    fn links_are_followed_to_their_end_which_need_not_exist() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/b", at("a")).unwrap();
        symlink("../c", at("sub/b")).unwrap();
        assert_eq!(Target::of(&at("a")).unwrap(), Target::File(at("sub/../c")));
        fs::write(at("c"), b"x").unwrap();
        assert_eq!(Target::of(&at("a")).unwrap(), Target::File(at("sub/../c")));
        assert_eq!(Target::of(&at("plain")).unwrap(), Target::File(at("plain")));

        symlink("round", at("about")).unwrap();
        symlink("about", at("round")).unwrap();
        assert!(refused(&at("round")).contains("circle"));
        symlink("sub", at("folder")).unwrap();
        symlink("new/", at("new folder")).unwrap();
        for name in ["folder", "sub", "new folder", "x/", "x/.", ".."] {
            assert!(refused(&at(name)).contains("folder"), "{name}");
        }
    }

    #[test]
    fn devices_and_pipes_take_a_stream_and_sockets_and_disks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("/dev/null", at("null")).unwrap();
        assert_eq!(Target::of(&at("null")).unwrap(), Target::Stream(at("null")));
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let pipe = Target::of(&at("pipe")).unwrap();
        assert_eq!(pipe, Target::Stream(at("pipe")));
        assert_eq!(*pipe.folder(), *env::temp_dir());
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert!(refused(&at("socket")).contains("socket"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_open_already_is_not_replaced_under_its_name() {
        use std::os::fd::AsRawFd;
        let folder = tempfile::tempdir().unwrap();
        let (open, link) = (folder.path().join("open"), folder.path().join("link"));
        let file = File::create(&open).unwrap();
        symlink(format!("/proc/self/fd/{}", file.as_raw_fd()), &link).unwrap();
        assert_eq!(Target::of(&link).unwrap(), Target::Stream(link));
    }

    #[test]
    fn read_only_is_what_has_no_write_bit_for_root_too() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&path, b"x").unwrap();
        symlink("a", &link).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        for path in [&path, &link] {
            assert!(refused(path).contains("read-only"));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Target::of(&link).is_ok());
    }

    #[test]
    fn a_sticky_folder_protects_files_from_all_but_two_owners() {
        let (folder_owner, file_owner, other) = (1, 2, 3);
        let forbids = |mode, us| unix::sticky_forbids(mode, folder_owner, file_owner, us);
        assert!(forbids(0o1777, other));
        assert!(!forbids(0o1777, folder_owner) && !forbids(0o1777, file_owner));
        assert!(!forbids(0o777, other));
    }

    #[test]
    fn a_name_that_is_too_long_is_told_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x".repeat(256), "红".repeat(86)] {
            let error = Target::of(&folder.path().join(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidFilename);
        }
        assert!(Target::of(&folder.path().join("红".repeat(85))).is_ok());
    }
}
