//! An append-only store of items: `data.bin` holds their bytes one after the other, `items.jsonl` a
//! line for each. An item counts once its line is whole, so an interrupted writer continues.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, TrainError},
    fingerprint::{self, Fingerprint},
};

/// One clip or still.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// `[frames, height, width]`, of pixels or of latents.
    pub size: [usize; 3],
    /// Where its bytes begin in `data.bin`.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// What it shows, in several phrasings and languages.
    pub captions: Vec<String>,
    /// The [`fingerprint`] of its bytes; older stores have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Of latents: the hash of the item that they were made of, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of what a model made: how well it shows its caption, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f64>,
}

/// A store that is read.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    data: Mutex<File>,
    items: Vec<Item>,
}

/// Where the two files of a store are.
fn paths(folder: &Path) -> [PathBuf; 2] {
    ["items.jsonl", "data.bin"].map(|name| folder.join(name))
}

/// The items at the start of a store that are whole.
#[derive(Default)]
struct Whole {
    items: Vec<Item>,
    /// Where the line of each ends in `items.jsonl`.
    ends: Vec<u64>,
    /// Why the next one is not, if more is there than half a line.
    broken: Option<TrainError>,
}

fn read_whole(folder: &Path) -> Result<Whole> {
    let [path, data] = paths(folder);
    let mut whole = Whole::default();
    if !path.exists() {
        return Ok(whole);
    }
    let bytes = fs::read(&path).map_err(TrainError::io(&path))?;
    let text = String::from_utf8_lossy(&bytes);
    let available = fs::metadata(&data).map_err(TrainError::io(&data))?.len();
    for line in text.split_inclusive('\n') {
        let Some(line) = line.strip_suffix('\n') else { break };
        let item: Item = match serde_json::from_str(line) {
            Ok(item) => item,
            Err(error) => {
                whole.broken = Some(TrainError::json(&path)(error));
                break;
            }
        };
        let expected = whole.items.last().map_or(0, |last| last.offset + last.bytes);
        let end = item.offset.checked_add(item.bytes);
        if item.offset != expected || end.is_none_or(|end| end > available) {
            whole.broken = Some(TrainError::Mismatch {
                what: format!("item {}", whole.items.len()),
                expected: format!("bytes from {expected} on within the {available} of {}", data.display()),
                found: format!("{} bytes from {} on", item.bytes, item.offset),
                path,
            });
            break;
        }
        whole.ends.push(whole.ends.last().unwrap_or(&0) + line.len() as u64 + 1);
        whole.items.push(item);
    }
    Ok(whole)
}

/// The items of a store, all of which must be whole.
fn read_items(folder: &Path) -> Result<Vec<Item>> {
    let Whole { items, broken, .. } = read_whole(folder)?;
    broken.map_or(Ok(items), Err)
}

impl Store {
    /// Opens a store with at least one item, each of `bytes_per_position` bytes for every pixel or latent
    /// position of its size; `advice` says how to make one.
    ///
    /// # Errors
    /// No items, files that do not belong together, or an item whose size is not that of its bytes.
    pub fn open(folder: &Path, bytes_per_position: usize, advice: &str) -> Result<Self> {
        let items = read_items(folder)?;
        if items.is_empty() {
            let advice = advice.to_owned();
            return Err(TrainError::Missing { what: "data set", path: folder.into(), advice });
        }
        let [lines, path] = paths(folder);
        for (index, item) in items.iter().enumerate() {
            let bytes = item.size.iter().try_fold(bytes_per_position, |a, &b| a.checked_mul(b));
            if bytes.is_none_or(|bytes| bytes as u64 != item.bytes) {
                return Err(TrainError::Mismatch {
                    path: lines,
                    what: format!("item {index}"),
                    expected: format!("{bytes_per_position} bytes for each position of {:?}", item.size),
                    found: format!("{} bytes", item.bytes),
                });
            }
        }
        let data = Mutex::new(File::open(&path).map_err(TrainError::io(&path))?);
        Ok(Self { folder: folder.into(), data, items })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The items, in the order in which they were made.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The bytes of an item.
    ///
    /// # Errors
    /// A file that cannot be read, or bytes that are not those that were written.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn read(&self, index: usize) -> Result<Vec<u8>> {
        let item = &self.items[index];
        let mut bytes = vec![0; item.bytes as usize];
        let mut data = self.data.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        data.seek(SeekFrom::Start(item.offset))
            .and_then(|_| data.read_exact(&mut bytes))
            .map_err(TrainError::io(&self.folder))?;
        match &item.hash {
            Some(hash) if fingerprint::of(&bytes) != *hash => Err(TrainError::Mismatch {
                path: paths(&self.folder)[1].clone(),
                what: format!("item {index}"),
                expected: format!("the bytes that were written, of fingerprint {hash}"),
                found: "others; copy the data set again, or make it anew".into(),
            }),
            _ => Ok(bytes),
        }
    }

    /// What tells the contents of this store from those of others, wherever it is.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let mut all = Fingerprint::default();
        for (index, item) in self.items.iter().enumerate() {
            let hash = match &item.hash {
                Some(hash) => hash.clone(),
                // Of older stores all bytes are read.
                None => fingerprint::of(&self.read(index)?),
            };
            all.add(format!("{:?} {:?} {hash}\n", item.size, item.captions).as_bytes());
        }
        Ok(all.finish())
    }
}

/// The whole items of the store in `folder`; none if there is no store.
///
/// # Errors
/// Files that cannot be read or do not belong together.
pub fn items(folder: &Path) -> Result<Vec<Item>> {
    read_items(folder)
}

/// How many whole items the store in `folder` has.
///
/// # Errors
/// As [`items`].
pub fn count(folder: &Path) -> Result<usize> {
    Ok(items(folder)?.len())
}

/// A store that grows.
#[derive(Debug)]
pub struct StoreWriter {
    folder: PathBuf,
    data: File,
    lines: File,
    len: usize,
    offset: u64,
}

impl StoreWriter {
    /// Opens or makes the store in `folder`. What an interrupted writer left half done is cut off, and so is what a
    /// machine that lost its power did not write: lines without their bytes, or bytes that are not those of their line.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        let Whole { mut items, ends, broken } = read_whole(folder)?;
        if let Some(error) = broken {
            log::warn!("{error}: goes on from item {}", items.len());
        }
        while let Some(last) = items.last()
            && !is_written(folder, last)?
        {
            log::warn!(
                "item {} of {} is not what was written: goes on from there",
                items.len() - 1,
                folder.display()
            );
            items.pop();
        }
        let offset = items.last().map_or(0, |last| last.offset + last.bytes);
        let length = items.len().checked_sub(1).map_or(0, |last| ends[last]);
        let cut = |path: &Path, length: u64| {
            let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let [lines, data] = paths(folder);
        let data = cut(&data, offset).map_err(TrainError::io(&data))?;
        let lines = cut(&lines, length).map_err(TrainError::io(&lines))?;
        Ok(Self { folder: folder.into(), data, lines, len: items.len(), offset })
    }

    /// Items written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an item of `[frames, height, width]`; `source` is the hash of what it was made of.
    ///
    /// # Errors
    /// A full disk.
    pub fn append(
        &mut self,
        size: [usize; 3],
        captions: Vec<String>,
        bytes: &[u8],
        source: Option<String>,
    ) -> Result<()> {
        self.push(Item { size, captions, source, ..Item::default() }, bytes)
    }

    /// Adds an item; where its bytes are, how many and of which hash is filled in.
    ///
    /// # Errors
    /// A full disk.
    pub fn push(&mut self, item: Item, bytes: &[u8]) -> Result<()> {
        let hash = Some(fingerprint::of(bytes));
        let item = Item { offset: self.offset, bytes: bytes.len() as u64, hash, ..item };
        let line = serde_json::to_string(&item).map_err(TrainError::json(&self.folder))? + "\n";
        // The line comes last: without it the bytes do not count.
        self.data
            .write_all(bytes)
            .and_then(|()| self.lines.write_all(line.as_bytes()))
            .map_err(TrainError::io(&self.folder))?;
        self.offset += item.bytes;
        self.len += 1;
        Ok(())
    }

    /// Ends before all of the `count` items are there, with what there is on the disk.
    ///
    /// # Errors
    /// [`TrainError::Stopped`], or a disk that fails.
    pub fn stopped(&self, count: usize) -> Result<()> {
        self.sync()?;
        let [name, folder] = [self.folder.file_name(), self.folder.parent().map(Path::as_os_str)]
            .map(|part| part.unwrap_or_default().display());
        let at = format!("{} of {count} {name} in {folder}", self.len);
        Err(TrainError::Stopped { at, advice: "run the same command again to go on".into() })
    }

    /// Waits until all of it is on the disk.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn sync(&self) -> Result<()> {
        let synced = self.data.sync_all().and_then(|()| self.lines.sync_all());
        synced.map_err(TrainError::io(&self.folder))
    }
}

/// Whether the bytes of an item are those that its hash, if it has one, is of.
fn is_written(folder: &Path, item: &Item) -> Result<bool> {
    let Some(hash) = &item.hash else { return Ok(true) };
    let [_, path] = paths(folder);
    let read = || {
        let mut bytes = vec![0; item.bytes as usize];
        let mut data = File::open(&path)?;
        data.seek(SeekFrom::Start(item.offset))?;
        data.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    Ok(fingerprint::of(&read().map_err(TrainError::io(&path))?) == *hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_writer_continues() {
        let folder = tempfile::tempdir().unwrap();
        let captions = |text: &str| vec![text.to_owned(), "一个红球".to_owned()];
        let mut writer = StoreWriter::open(folder.path()).unwrap();
        writer.append([1, 2, 3], captions("first"), &[1; 18], None).unwrap();
        writer.append([1, 1, 2], captions("second"), &[2; 6], None).unwrap();
        // Killed between the bytes and the line, and within the line.
        writer.data.write_all(&[9; 5]).unwrap();
        writer.lines.write_all(br#"{"size":[1,"#).unwrap();
        drop(writer);

        let mut writer = StoreWriter::open(folder.path()).unwrap();
        assert_eq!(writer.len(), 2);
        writer.append([1, 1, 1], captions("third"), &[3; 3], None).unwrap();
        let store = Store::open(folder.path(), 3, "").unwrap();
        assert_eq!(store.items().len(), 3);
        let read: Vec<Vec<u8>> = (0..3).map(|index| store.read(index).unwrap()).collect();
        assert_eq!(read, [vec![1; 18], vec![2; 6], vec![3; 3]]);
        assert_eq!(store.items()[1].captions, captions("second"));
    }

    #[test]
    fn what_is_missing_or_cut_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = Store::open(folder.path(), 3, "run `make`").unwrap_err().to_string();
        assert!(message.contains("run `make`"), "{message}");
        StoreWriter::open(folder.path()).unwrap().append([1, 1, 1], vec![], &[0; 3], None).unwrap();
        let message = Store::open(folder.path(), 4, "").unwrap_err().to_string();
        assert!(message.contains("item 0") && message.contains("4 bytes for each position"), "{message}");
        fs::write(folder.path().join("data.bin"), [0; 2]).unwrap();
        let message = Store::open(folder.path(), 3, "").unwrap_err().to_string();
        assert!(message.contains("item 0") && message.contains("data.bin"), "{message}");
        let endless = r#"{"size":[1,1,1],"offset":0,"bytes":3,"captions":[]}
{"size":[1,1,1],"offset":3,"bytes":18446744073709551615,"captions":[]}
"#;
        fs::write(folder.path().join("data.bin"), [0; 9]).unwrap();
        fs::write(folder.path().join("items.jsonl"), endless).unwrap();
        let message = Store::open(folder.path(), 3, "").unwrap_err().to_string();
        assert!(message.contains("item 1") && message.contains("data.bin"), "{message}");
    }

    #[test]
    fn contents_are_told_apart_and_bits_that_flip_are_found() {
        let fingerprint = |captions: &str, byte: u8| {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = StoreWriter::open(folder.path()).unwrap();
            writer.append([1, 1, 1], vec![captions.into()], &[byte; 3], None).unwrap();
            writer.append([1, 1, 1], vec![], &[0; 3], None).unwrap();
            let found = Store::open(folder.path(), 3, "").unwrap().fingerprint().unwrap();
            // A store from before hashes were written is known by its bytes.
            let lines = folder.path().join("items.jsonl");
            let mut items = read_items(folder.path()).unwrap();
            items.iter_mut().for_each(|item| item.hash = None);
            let text: String = items.iter().map(|item| serde_json::to_string(item).unwrap() + "\n").collect();
            fs::write(lines, text).unwrap();
            let old = Store::open(folder.path(), 3, "").unwrap();
            assert_eq!(old.fingerprint().unwrap(), found);
            assert_eq!(old.read(0).unwrap(), [byte; 3]);
            found
        };
        assert_eq!(fingerprint("a", 1), fingerprint("a", 1));
        assert_ne!(fingerprint("a", 1), fingerprint("a", 2));
        assert_ne!(fingerprint("a", 1), fingerprint("b", 1));

        let folder = tempfile::tempdir().unwrap();
        let mut writer = StoreWriter::open(folder.path()).unwrap();
        for byte in [1, 2] {
            writer.append([1, 1, 1], vec![], &[byte; 3], None).unwrap();
        }
        fs::write(folder.path().join("data.bin"), [1, 1, 1, 2, 3, 2]).unwrap();
        let store = Store::open(folder.path(), 3, "").unwrap();
        assert_eq!(store.read(0).unwrap(), [1; 3]);
        let message = store.read(1).unwrap_err().to_string();
        assert!(message.contains("data.bin") && message.contains("item 1"), "{message}");
    }

    #[test]
    fn a_writer_goes_on_from_what_reached_the_disk() {
        let damages: [fn(&Path); 4] = [
            // The lines did and the bytes did not.
            |data| fs::write(data, [0; 3]).unwrap(),
            // The file has its length and not its content.
            |data| fs::write(data, [0, 0, 0, 1, 1, 1, 0, 0, 0]).unwrap(),
            // Nor have the lines.
            |data| {
                let lines = data.with_file_name("items.jsonl");
                let text = fs::read_to_string(&lines).unwrap();
                let first = text.split_inclusive('\n').next().unwrap();
                fs::write(&lines, first.to_owned() + &"\0".repeat(80) + "\n").unwrap();
            },
            |data| fs::write(data, []).unwrap(),
        ];
        for damage in damages {
            let folder = tempfile::tempdir().unwrap();
            let write = |writer: &mut StoreWriter| {
                for byte in writer.len() as u8..3 {
                    writer.append([1, 1, 1], vec![], &[byte; 3], None).unwrap();
                }
            };
            write(&mut StoreWriter::open(folder.path()).unwrap());
            damage(&folder.path().join("data.bin"));
            let mut writer = StoreWriter::open(folder.path()).unwrap();
            assert!(writer.len() < 3);
            write(&mut writer);
            let store = Store::open(folder.path(), 3, "").unwrap();
            assert_eq!(
                [0, 1, 2].map(|index| store.read(index).unwrap()),
                [0, 1, 2].map(|byte| vec![byte; 3])
            );
        }
    }
}
