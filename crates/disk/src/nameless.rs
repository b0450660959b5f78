//! Files that have no name until they are complete: whatever ends the program, the system removes them.

use std::{
    collections::HashSet,
    env,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Seek},
    path::{Path, PathBuf},
    sync::Mutex,
};

use tempfile::{Builder, TempPath};

use crate::folder_of;

/// A name that lives from the moment when a file is complete to its rename over an older one. Where the system can
/// name no nameless file, it lives as long as the copy takes.
const PREFIX: &str = ".kinora-";
const SUFFIX: &str = ".part";

/// Of a result that could not be put in its place.
const KEPT_PREFIX: &str = "kinora-";

/// Bytes of a result's name that are tried in a temporary one, which has other parts too and at most 255 bytes.
const TRIED_BYTES: usize = 200;

/// A file in `folder` without a name, as readable as any that its owner makes.
pub(super) fn create(folder: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::TMPFILE.bits() as i32;
        let mut options = OpenOptions::new();
        if let Ok(file) = options.read(true).write(true).mode(0o666).custom_flags(flags).open(folder) {
            // Tells the next run that this one lives, once the file has a name.
            let _ = file.try_lock();
            return Ok(file);
        }
    }
    tempfile::tempfile_in(folder)
}

/// Puts `file` at `path` in one step. What was there gives its owner and permissions to what replaces it.
pub(super) fn put(file: &mut File, path: &Path) -> io::Result<()> {
    let replaced = fs::metadata(path).ok();
    match &replaced {
        Some(replaced) => adopt(file, replaced),
        // Without a temporary name there is no moment in which one could stay behind.
        None if link(file, path).is_ok() => return Ok(()),
        None => {}
    }
    let (named, copy) = name(file, folder_of(path), PREFIX.into(), SUFFIX)?;
    if let (Some(copy), Some(replaced)) = (&copy, &replaced) {
        adopt(copy, replaced);
    }
    named.persist(path)?;
    Ok(())
}

/// Tries all that [`put`] will do at `path`, and leaves nothing: an empty file gets a temporary name with the letters
/// of the real one, which not every disk can write, and another one instead of it.
pub(super) fn try_put(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    let mut prefix = OsString::from(PREFIX);
    prefix.push(beginning(path));
    let (named, _lock) = name(&mut create(folder)?, folder, prefix, SUFFIX)?;
    let (other, _other_lock) = name(&mut create(folder)?, folder, PREFIX.into(), SUFFIX)?;
    named.persist(&other)?;
    other.close()
}

/// The first bytes of a file's name; all of most names.
fn beginning(path: &Path) -> OsString {
    let name = path.file_name().unwrap_or_default();
    if name.len() <= TRIED_BYTES {
        return name.to_owned();
    }
    let name = name.to_string_lossy();
    let end = (0..=TRIED_BYTES.min(name.len())).rev().find(|&end| name.is_char_boundary(end));
    OsString::from(&name[..end.unwrap_or(0)])
}

/// Names a complete `file` that could not be put at `path`: beside it, or else in the system's temporary folder.
pub(super) fn keep(file: &mut File, path: &Path, folders: &[&Path]) -> io::Result<PathBuf> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let suffix = format!(".{extension}");
    let mut result = Err(io::Error::from(io::ErrorKind::NotFound));
    for folder in folders.iter().copied().chain([env::temp_dir().as_path()]) {
        let kept = name(file, folder, KEPT_PREFIX.into(), &suffix);
        result = kept.and_then(|(named, _lock)| Ok(named.keep()?));
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Gives `file` a new name in `folder`. If the system cannot, its copy gets one, and is given back too: it holds the
/// lock by which others see that the name is in use.
fn name(
    file: &mut File,
    folder: &Path,
    prefix: OsString,
    suffix: &str,
) -> io::Result<(TempPath, Option<File>)> {
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(suffix);
    if let Ok(named) = builder.make_in(folder, |path| link(file, path)) {
        return Ok((named.into_temp_path(), None));
    }
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let (mut copy, named) = loop {
        let (copy, named) = builder.tempfile_in(folder)?.into_parts();
        // Another run may have taken it for a dead one's before it was locked.
        let _ = copy.try_lock();
        if named.exists() {
            break (copy, named);
        }
    };
    file.rewind()?;
    io::copy(file, &mut copy)?;
    copy.sync_all()?;
    Ok((named, Some(copy)))
}

/// Gives `file`, which has none, the name `path`, which must be free.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives `file` the owner and the permissions of the file that it replaces, as far as the system lets it: who might
/// not read that shall not read this.
fn adopt(file: &File, replaced: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let _ = fchown(file, Some(replaced.uid()), Some(replaced.gid()));
    }
    let _ = file.set_permissions(replaced.permissions());
}

/// Removes the temporary names in `folder` that programs have left which were killed, once in each run. What a living
/// one writes is locked.
pub(super) fn sweep(folder: &Path) {
    static SWEPT: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let Ok(mut swept) = SWEPT.lock() else { return };
    if !swept.get_or_insert_default().insert(folder.to_owned()) {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_ours = name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes());
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            remove_dead(&entry.path());
        }
    }
}

fn remove_dead(path: &Path) {
    if let Ok(file) = OpenOptions::new().read(true).write(true).open(path)
        && file.try_lock().is_ok()
    {
        // In vain if another run was quicker.
        let _ = fs::remove_file(path);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;

    use super::*;

    /// A disk in memory, as Linux has it; the system can give its files no name on another disk.
    const OTHER_DISK: &str = "/dev/shm";

    #[test]
    fn what_cannot_be_named_is_copied_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for content in [b"old", b"new"] {
            let mut file = create(Path::new(OTHER_DISK)).unwrap();
            file.write_all(content).unwrap();
            put(&mut file, &path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        let mut file = create(Path::new(OTHER_DISK)).unwrap();
        file.write_all(b"kept").unwrap();
        let kept = keep(&mut file, Path::new("b.gif"), &[folder.path()]).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"kept");
        assert_eq!(kept.extension().unwrap(), "gif");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_place_is_tried_with_the_letters_of_the_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.mp4", &"红".repeat(85)] {
            try_put(&folder.path().join(name)).unwrap();
        }
        assert_eq!(beginning(Path::new("x/红.mp4")), "红.mp4");
        assert_eq!(beginning(Path::new(&"红".repeat(85))), *"红".repeat(TRIED_BYTES / 3));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
