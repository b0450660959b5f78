//! The exact bytes, and what is on a terminal after them.

use super::*;

/// The colours of a cell, above and below, as they were told.
type Cell = (String, Option<String>);

/// What a terminal of half blocks shows. It knows no more than is needed, and panics at anything else.
struct Terminal {
    columns: usize,
    cells: Vec<Vec<Option<Cell>>>,
    cursor: (usize, usize),
    saved: (usize, usize),
    scrolled: usize,
    has_cursor: bool,
    is_held: bool,
    text: Vec<String>,
}

impl Terminal {
    fn new(columns: usize, rows: usize, row: usize) -> Self {
        Self {
            columns,
            cells: vec![vec![None; columns]; rows],
            cursor: (row, 0),
            saved: (0, 0),
            scrolled: 0,
            has_cursor: true,
            is_held: false,
            text: vec![String::new(); rows],
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut letters = text.chars().peekable();
        let (mut above, mut below) = (None, None);
        while let Some(letter) = letters.next() {
            let (row, column) = self.cursor;
            match letter {
                '\r' => self.cursor.1 = 0,
                '\n' if row + 1 == self.cells.len() => {
                    self.cells.remove(0);
                    self.cells.push(vec![None; self.columns]);
                    self.text.remove(0);
                    self.text.push(String::new());
                    self.scrolled += 1;
                }
                '\n' => self.cursor.0 += 1,
                '▀' => {
                    self.cells[row][column] = Some((above.clone().unwrap(), below.clone()));
                    self.cursor.1 += 1;
                }
                '\x1b' => match letters.next().unwrap() {
                    '7' => self.saved = self.cursor,
                    '8' => self.cursor = self.saved,
                    '\\' => {}
                    '[' => {
                        let mut numbers = String::new();
                        let end = loop {
                            let next = letters.next().unwrap();
                            if next.is_ascii_alphabetic() {
                                break next;
                            }
                            numbers.push(next);
                        };
                        let colour = |numbers: &str| numbers[3..].to_owned();
                        match (numbers.as_str(), end) {
                            ("?2026", _) => self.is_held = end == 'h',
                            ("?25", _) => self.has_cursor = end == 'h',
                            ("?7", _) => {}
                            ("", 'J') => {
                                for row in row..self.cells.len() {
                                    self.cells[row].fill(None);
                                    self.text[row].clear();
                                }
                            }
                            ("2", 'K') => {
                                self.cells[row].fill(None);
                                self.text[row].clear();
                            }
                            ("0", 'm') => (above, below) = (None, None),
                            (numbers, 'm') if numbers.starts_with("38;") => above = Some(colour(numbers)),
                            (numbers, 'm') if numbers.starts_with("48;") => below = Some(colour(numbers)),
                            (rows, 'A') => self.cursor.0 = row.saturating_sub(rows.parse().unwrap()),
                            (rows, 'B') => {
                                self.cursor.0 =
                                    (row + rows.parse::<usize>().unwrap()).min(self.cells.len() - 1);
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                    other => panic!("{other:?}"),
                },
                letter => {
                    self.text[row].push(letter);
                    self.cursor.1 += 1;
                }
            }
        }
        assert!(!self.is_held, "what is drawn is shown");
    }

    /// The rows that have something, with the level of the upper pixel of each cell.
    fn levels(&self) -> Vec<(usize, Vec<String>)> {
        let rows = self.cells.iter().enumerate().map(|(index, row)| {
            let levels = row.iter().flatten().map(|(above, _)| above.rsplit(';').next().unwrap().to_owned());
            (index, levels.collect::<Vec<_>>())
        });
        rows.filter(|(_, levels)| !levels.is_empty()).collect()
    }
}

fn grey(width: usize, height: usize, level: u8) -> Picture<'static> {
    Picture::made(width, height, vec![level; width * height * 3])
}

const SMALL: Grid = Grid { columns: 4, rows: 5, cell_width: 8, cell_height: 16 };

fn screen(out: &mut Vec<u8>, protocol: Protocol) -> Screen<&mut Vec<u8>> {
    Screen::new(out, protocol, Colours::True, SMALL)
}

#[test]
fn two_pictures_are_these_bytes() {
    let mut out = Vec::new();
    let mut screen = screen(&mut out, Protocol::HalfBlocks);
    let picture = Picture::new(2, 1, vec![1, 2, 3, 1, 2, 3]).unwrap();
    for _ in 0..2 {
        screen.draw(&picture).unwrap();
    }
    drop(screen);
    let blocks = "\x1b[38;2;1;2;3m\x1b[48;2;1;2;3m▀▀▀▀\x1b[0m";
    let begin = "\x1b[?2026h\x1b[?25l\r";
    // Two columns of pixels are four of cells, so one row of pixels is two half blocks: one row of cells.
    let drawn = format!("\x1b7{blocks}\x1b8\x1b[1B\r\x1b[?2026l");
    let expected = format!("{begin}\x1b[J\r\n\x1b[1A{drawn}{begin}\x1b[1A{drawn}{RESTORE}\r");
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn pictures_lie_over_each_other_and_scroll_once() {
    let mut out = Vec::new();
    let mut screen = screen(&mut out, Protocol::HalfBlocks);
    for level in 10..20 {
        screen.draw(&grey(64, 64, level)).unwrap();
    }
    drop(screen);
    // From the last line of the terminal.
    let mut terminal = Terminal::new(4, 5, 4);
    terminal.take(&out);
    // 32 by 32 of the terminal's 32 by 64 pixels are two rows of cells.
    assert_eq!(terminal.levels(), [(2, vec!["19".to_owned(); 4]), (3, vec!["19".to_owned(); 4])]);
    assert_eq!((terminal.cursor, terminal.scrolled, terminal.has_cursor), ((4, 0), 2, true));
}

#[test]
fn a_caption_stands_below_and_stays() {
    let mut out = Vec::new();
    let mut screen = screen(&mut out, Protocol::HalfBlocks);
    screen.draw(&grey(64, 64, 1)).unwrap();
    screen.caption("a\x1b[2J\nb").unwrap();
    screen.draw(&grey(64, 64, 2)).unwrap();
    // Another size takes the caption along.
    screen.draw(&grey(64, 16, 3)).unwrap();
    drop(screen);
    let mut terminal = Terminal::new(4, 6, 1);
    terminal.take(&out);
    assert_eq!(terminal.levels(), [(1, vec!["3".to_owned(); 4])]);
    assert_eq!(terminal.text, ["", "", "a[2Jb", "", "", ""]);
    assert_eq!(terminal.cursor, (3, 0));
}

#[test]
fn a_window_that_changes_is_followed() {
    let mut out = Vec::new();
    let mut screen = screen(&mut out, Protocol::HalfBlocks);
    screen.draw(&grey(64, 64, 1)).unwrap();
    screen.resize(Grid { columns: 2, ..SMALL });
    screen.draw(&grey(64, 64, 2)).unwrap();
    drop(screen);
    let mut terminal = Terminal::new(4, 5, 0);
    terminal.take(&out);
    assert_eq!(terminal.levels(), [(0, vec!["2".to_owned(); 2])], "nothing is left of the larger one");
}

#[test]
fn pictures_keep_within_the_limit_and_the_terminal() {
    let mut out = Vec::new();
    let wide = Grid { columns: 300, rows: 80, cell_width: 10, cell_height: 20 };
    for (protocol, limit, expected) in [
        (Protocol::Kitty, (usize::MAX, usize::MAX), (2809, 1580, 281, 79)),
        (Protocol::Kitty, (40, 100), (400, 225, 40, 12)),
        (Protocol::Kitty, (100, 10), (356, 200, 36, 10)),
        // 4.4 megapixels would be too many.
        (Protocol::Sixel, (usize::MAX, usize::MAX), (1351, 760, 136, 38)),
    ] {
        let screen = Screen::new(&mut out, protocol, Colours::True, wide).within(limit.0, limit.1);
        let room = screen.room(&grey(1280, 720, 0));
        assert_eq!((room.width, room.height, room.columns, room.rows), expected, "{protocol}");
    }
}

#[test]
fn no_more_pixels_are_sent_than_there_are() {
    for (side, sent) in [(16, 16), (500, 32)] {
        let mut out = Vec::new();
        screen(&mut out, Protocol::Kitty).draw(&grey(side, side, 0)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("s={sent},v={sent},")), "{text}");
    }
}

#[test]
fn every_protocol_keeps_the_cursor() {
    for protocol in [Protocol::Kitty, Protocol::Iterm2, Protocol::Sixel, Protocol::HalfBlocks] {
        let mut out = Vec::new();
        screen(&mut out, protocol).draw(&grey(9, 9, 77)).unwrap();
        let text = String::from_utf8(out).unwrap();
        let picture = text.strip_prefix("\x1b[?2026h\x1b[?25l\r\x1b[J\r\n\r\n\x1b[2A\x1b7").unwrap();
        assert!(picture.ends_with(&format!("\x1b8\x1b[2B\r\x1b[?2026l{RESTORE}\r")), "{protocol}");
    }
}

#[test]
fn nothing_is_written_where_nothing_is_shown() {
    let mut out = Vec::new();
    let mut screen = screen(&mut out, Protocol::None);
    screen.draw(&grey(4, 4, 1)).unwrap();
    screen.caption("a").unwrap();
    drop(screen);
    drop(Screen::new(&mut out, Protocol::Kitty, Colours::True, SMALL));
    assert!(out.is_empty());
}
