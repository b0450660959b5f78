use std::fs;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn replaces_the_file_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.bin");
    write_atomically(&path, b"old").unwrap();
    check_folder_writable(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    write_atomically(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["clip.bin"]);
}

#[test]
fn what_is_written_can_be_read_and_changed_before_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.bin");
    let mut file = AtomicFile::create(&path).unwrap();
    file.append(b"once more").unwrap();
    file.seek(SeekFrom::Start(5)).unwrap();
    file.append(b"b").unwrap();
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "ore");
    file.append(b"!").unwrap();
    file.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"once bore!");
}

#[cfg(unix)]
#[test]
fn what_is_written_privately_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_privately(&path, b"secret").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"secret");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn failure_names_the_path_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("taken.mp4");
    fs::create_dir(&occupied).unwrap();
    let missing = folder.path().join("no/such/folder/clip.mp4");
    for path in [&occupied, &missing] {
        for result in [write_atomically(path, b"x"), check_folder_writable(path)] {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
    }
    assert_eq!(names(folder.path()), ["taken.mp4"]);
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.bin");
    let mut spool = Spool::beside(&path).unwrap();
    spool.append(b"waits").unwrap();
    assert!(names(folder.path()).is_empty(), "a spool has no name");
    let mut file = AtomicFile::create(&path).unwrap();
    file.append(b"half").unwrap();
    file.flush().unwrap();
    assert!(names(folder.path()).is_empty(), "nor has what is not complete, so that nothing can stay");
    drop(file);
    let mut file = AtomicFile::create(&path).unwrap();
    file.append(b"it ").unwrap();
    file.append_spool(spool).unwrap();
    file.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"it waits");
}

#[test]
fn the_longest_name_is_written_and_one_byte_more_is_told_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    // 84 characters of 3 bytes and 3 of one: 255 bytes.
    let longest = folder.path().join(format!("{}.it", "红".repeat(84)));
    check_folder_writable(&longest).unwrap();
    write_atomically(&longest, b"old").unwrap();
    write_atomically(&longest, b"new").unwrap();
    for name in [format!("{}.mp4", "红".repeat(84)), "x".repeat(256)] {
        check_folder_writable(&folder.path().join(name)).unwrap_err();
    }
    assert_eq!(names(folder.path()).len(), 1);
}

/// What the last step fails for although it was tried: the place has changed in the meantime.
#[test]
fn a_finished_file_that_cannot_be_put_in_its_place_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let mut file = AtomicFile::create(&path).unwrap();
    file.append(b"hours of work").unwrap();
    fs::create_dir(&path).unwrap();
    let error = file.commit().unwrap_err();
    let message = error.to_string();
    let Error::Misplaced { kept, .. } = error else { panic!("{error}") };
    assert!(message.contains(&kept.display().to_string()), "{message}");
    assert_eq!(fs::read(&kept).unwrap(), b"hours of work");
    assert_eq!((kept.parent(), kept.extension()), (Some(folder.path()), path.extension()));
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        process::Command,
        thread,
    };

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn results_are_not_private_and_replace_with_the_permissions_of_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomically(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o600)).unwrap();
        write_atomically(&ours, b"y").unwrap();
        assert_eq!(mode(&ours), 0o600);
    }

    #[test]
    fn the_target_of_a_link_is_written_and_the_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        for (link, end) in [("a", "sub/there"), ("b", "sub/new")] {
            symlink(end, at(link)).unwrap();
        }
        fs::write(at("sub/there"), b"old").unwrap();
        for (link, end) in [("a", "sub/there"), ("b", "sub/new")] {
            check_folder_writable(&at(link)).unwrap();
            write_atomically(&at(link), b"new").unwrap();
            assert!(at(link).symlink_metadata().unwrap().is_symlink(), "{link}");
            assert_eq!(fs::read(at(end)).unwrap(), b"new");
        }
    }

    #[test]
    fn a_pipe_gets_the_whole_file_at_the_end_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        check_folder_writable(&path).unwrap();
        let reader = thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        write_atomically(&path, &[7; 1 << 20]).unwrap();
        assert_eq!(reader.join().unwrap(), [7; 1 << 20]);
        assert_eq!(names(folder.path()), ["pipe"]);
        assert!(!path.metadata().unwrap().is_file());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_device_refuses_is_kept_in_the_temporary_folder() {
        let mut file = AtomicFile::create(Path::new("/dev/full")).unwrap();
        file.append(b"x").unwrap();
        let error = file.commit().unwrap_err();
        let Error::Misplaced { kept, .. } = error else { panic!("{error}") };
        assert_eq!(kept.parent(), Some(&*std::env::temp_dir()));
        assert_eq!(fs::read(&kept).unwrap(), b"x");
        fs::remove_file(kept).unwrap();
        write_atomically(Path::new("/dev/null"), b"x").unwrap();
    }

    #[test]
    fn read_only_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        for result in [check_folder_writable(&path), write_atomically(&path, b"new")] {
            assert!(result.unwrap_err().to_string().contains("read-only"));
        }
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_a_living_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (dead, living, foreign) = (".kinora-dead.part", ".kinora-living.part", "other.part");
        for name in [dead, living, foreign] {
            fs::write(at(name), b"half").unwrap();
        }
        let lock = File::open(at(living)).unwrap();
        lock.lock().unwrap();
        write_atomically(&at("a"), b"whole").unwrap();
        let mut names = names(folder.path());
        names.sort();
        assert_eq!(names, [living, "a", foreign]);
    }
}
