//! The ways in which terminals show pictures, and which of them one has.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::{Error, Result, Stream, ask};

/// How a terminal is told of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// kitty's graphics protocol, which Ghostty and Konsole have too: every pixel as it is.
    Kitty,
    /// iTerm2's inline pictures, which WezTerm has too: every pixel as it is.
    Iterm2,
    /// DEC's sixels, as foot, mlterm and many others have them: 256 colours a picture.
    Sixel,
    /// Two pixels in a cell, as the colours of `▀`: any terminal that has colours.
    HalfBlocks,
    /// No pictures: not a terminal, or one that wants no colours.
    None,
}

impl Protocol {
    /// All, and their names for people.
    const NAMES: [(Self, &'static str); 5] = [
        (Self::Kitty, "kitty"),
        (Self::Iterm2, "iterm2"),
        (Self::Sixel, "sixel"),
        (Self::HalfBlocks, "blocks"),
        (Self::None, "off"),
    ];

    /// How the terminal behind `stream` shows pictures, by the environment; where that leaves open whether there are
    /// sixels, the terminal is asked. That takes half a second where it keeps silent, and loses what was typed ahead.
    pub fn detect(stream: Stream) -> Self {
        let known = Self::of(|name| std::env::var(name).ok(), stream.is_terminal());
        match known {
            Known::Surely(protocol) => protocol,
            Known::Unless if ask::has_sixels(stream) => Self::Sixel,
            Known::Unless => Self::HalfBlocks,
        }
    }

    /// The same by the environment alone.
    fn of(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> Known {
        let value = |name: &str| variable(name).unwrap_or_default();
        let is_set = |name: &str| !value(name).is_empty();
        let term = value("TERM");
        if !is_terminal || is_set("NO_COLOR") || term.is_empty() || term == "dumb" {
            return Known::Surely(Self::None);
        }
        // First, as it stands between the program and a terminal whose variables it passes on.
        let is_multiplexer = ["TMUX", "STY", "ZELLIJ"].into_iter().any(is_set);
        if is_multiplexer || term.starts_with("tmux") || term.starts_with("screen") {
            return Known::Surely(Self::HalfBlocks);
        }
        // A terminal's own name before what it may have inherited from one that it was started in.
        match term.as_str() {
            "xterm-kitty" | "xterm-ghostty" => return Known::Surely(Self::Kitty),
            "mlterm" | "yaft-256color" => return Known::Surely(Self::Sixel),
            "linux" => return Known::Surely(Self::HalfBlocks),
            _ if term.starts_with("foot") => return Known::Surely(Self::Sixel),
            _ => {}
        }
        match value("TERM_PROGRAM").as_str() {
            "ghostty" => return Known::Surely(Self::Kitty),
            "iTerm.app" | "WezTerm" | "rio" | "WarpTerminal" => return Known::Surely(Self::Iterm2),
            "Apple_Terminal" => return Known::Surely(Self::HalfBlocks),
            _ => {}
        }
        // Konsole has had kitty's pictures since 22.04.
        if value("KONSOLE_VERSION").parse().is_ok_and(|version: u32| version >= 220_400)
            || is_set("KITTY_WINDOW_ID")
        {
            return Known::Surely(Self::Kitty);
        }
        // `LC_TERMINAL` is what ssh passes on.
        if value("LC_TERMINAL") == "iTerm2" || is_set("WEZTERM_PANE") || is_set("WEZTERM_EXECUTABLE") {
            return Known::Surely(Self::Iterm2);
        }
        // Among these are xterm, VTE, VS Code and mintty, each with sixels only as it was built or set up.
        Known::Unless
    }

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(protocol, _)| *protocol == self).map_or("off", |(_, name)| name)
    }
}

/// What the environment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Surely(Protocol),
    /// Half blocks, unless the terminal says that it has sixels.
    Unless,
}

impl Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text.trim()));
        found.map(|&(protocol, _)| protocol).ok_or_else(|| Error::UnknownProtocol {
            found: text.into(),
            names: Self::NAMES.map(|(_, name)| name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], is_terminal: bool) -> Known {
        let value = |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
        Protocol::of(|name| value(name).map(|value| (*value).to_owned()), is_terminal)
    }

    #[test]
    fn terminals_are_known_by_their_environment() {
        use Known::{Surely, Unless};
        use Protocol::{HalfBlocks, Iterm2, Kitty, Sixel};
        const XTERM: (&str, &str) = ("TERM", "xterm-256color");
        let cases: &[(&[(&str, &str)], Known)] = &[
            (&[], Surely(Protocol::None)),
            (&[("TERM", "")], Surely(Protocol::None)),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Surely(Protocol::None)),
            (&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], Surely(Protocol::None)),
            (&[("TERM", "xterm-kitty"), ("NO_COLOR", "")], Surely(Kitty)),
            (&[("TERM", "xterm-ghostty")], Surely(Kitty)),
            (&[XTERM, ("TERM_PROGRAM", "ghostty")], Surely(Kitty)),
            (&[XTERM, ("KITTY_WINDOW_ID", "3")], Surely(Kitty)),
            (&[XTERM, ("KONSOLE_VERSION", "230805")], Surely(Kitty)),
            (&[XTERM, ("KONSOLE_VERSION", "211203")], Unless),
            (&[XTERM, ("TERM_PROGRAM", "iTerm.app")], Surely(Iterm2)),
            (&[XTERM, ("LC_TERMINAL", "iTerm2")], Surely(Iterm2)),
            (&[XTERM, ("TERM_PROGRAM", "WezTerm"), ("KITTY_WINDOW_ID", "3")], Surely(Iterm2)),
            (&[XTERM, ("WEZTERM_PANE", "0")], Surely(Iterm2)),
            (&[("TERM", "foot"), ("KITTY_WINDOW_ID", "3")], Surely(Sixel)),
            (&[("TERM", "foot-extra")], Surely(Sixel)),
            (&[("TERM", "mlterm")], Surely(Sixel)),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux")], Surely(HalfBlocks)),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux-1000/default,1,0")], Surely(HalfBlocks)),
            (&[("TERM", "screen.xterm-256color"), ("KITTY_WINDOW_ID", "3")], Surely(HalfBlocks)),
            (&[XTERM, ("STY", "1.pts-0.host")], Surely(HalfBlocks)),
            (&[XTERM, ("ZELLIJ", "0")], Surely(HalfBlocks)),
            (&[XTERM, ("TERM_PROGRAM", "Apple_Terminal")], Surely(HalfBlocks)),
            (&[("TERM", "linux")], Surely(HalfBlocks)),
            (&[XTERM, ("VTE_VERSION", "7600")], Unless),
            (&[XTERM, ("TERM_PROGRAM", "vscode")], Unless),
            (&[XTERM], Unless),
        ];
        for (variables, expected) in cases {
            assert_eq!(of(variables, true), *expected, "{variables:?}");
            assert_eq!(of(variables, false), Surely(Protocol::None), "{variables:?} is not a terminal");
        }
    }

    #[test]
    fn every_name_is_read_back_and_an_error_lists_them() {
        for (protocol, name) in Protocol::NAMES {
            assert_eq!(name.parse::<Protocol>().unwrap(), protocol);
            assert_eq!(protocol.to_string(), name);
        }
        assert_eq!(" Sixel".parse::<Protocol>().unwrap(), Protocol::Sixel);
        let error = "ascii".parse::<Protocol>().unwrap_err().to_string();
        assert_eq!(
            error,
            "'ascii' is no way to show pictures in a terminal; there are kitty, iterm2, sixel, blocks, off"
        );
    }
}
