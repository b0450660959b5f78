//! What is done otherwise than a request may expect.

use std::{fmt, path::PathBuf};

use crate::Size;

/// Something about a plan that its maker should know; no failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Words that the model does not know.
    UnknownWords {
        /// As they are written, each once.
        words: Vec<String>,
        /// Whether the model knows the words of the procedural world, which `kinora vocabulary` lists.
        of_world: bool,
    },
    /// The end of a prompt that the model does not read.
    Cut {
        /// The field of the request.
        field: &'static str,
        /// The most tokens that are read, the model's own marks included.
        max_tokens: usize,
        /// What is not read.
        unread: String,
    },
    /// A negative prompt that is not looked at, as there is no guidance.
    NegativeUnread {
        /// The guidance scale.
        guidance_scale: f64,
    },
    /// Pictures of another shape than the video's, of which much is cut off.
    CutOff {
        /// Their file.
        file: PathBuf,
        /// Their own size.
        found: Size,
        /// The video's.
        size: Size,
        /// The share of them that is not seen.
        share: f64,
        /// A size that is nearer to their shape, if the model can make one.
        instead: Option<Size>,
    },
    /// Frames of many more latents than the model was taught on: they are larger, or are no multiple of what it draws larger.
    LargerThanTaught {
        /// What was asked for.
        size: Size,
        /// How many times as many latents.
        times: f64,
        /// The model's own size.
        taught: Size,
        /// A size of the shape that was asked for, and of about as many pixels as the model's own.
        instead: Size,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWords { words, of_world } => {
                let advice = if *of_world { "; `kinora vocabulary` lists what it does" } else { "" };
                write!(f, "the model does not know these words: {}{advice}", words.join(", "))
            }
            Self::Cut { field, max_tokens, unread } => write!(
                f,
                "{field}: the model reads {max_tokens} tokens at most, and does not read its end: \"{}\"",
                shortened(unread)
            ),
            Self::NegativeUnread { guidance_scale } => write!(
                f,
                "negative_prompt: not looked at, as a guidance_scale of {guidance_scale} is no guidance (more than 1 is)"
            ),
            Self::CutOff { file, found, size, share, instead } => {
                let percent = 100.0 * share;
                write!(
                    f,
                    "known: {percent:.0} % of {}, of {found}, is cut off to fill {size} (",
                    file.display()
                )?;
                if let Some(instead) = instead {
                    write!(f, "`--size {instead}` has its shape, ")?;
                }
                f.write_str("`--fit contain` shows all of it between bars)")
            }
            Self::LargerThanTaught { size, times, taught, instead } => write!(
                f,
                "size: the model was taught at {taught}; {size} is {times:.1} times as much to it, and little of the prompt may be \
                 seen (`--size {instead}` has the same shape)"
            ),
        }
    }
}

/// A text of which a very long middle is left out.
fn shortened(text: &str) -> String {
    const START: usize = 400;
    const END: usize = 100;
    let letters = text.chars().collect::<Vec<_>>();
    match letters.len().checked_sub(START + END) {
        Some(left_out) if left_out > 0 => {
            let [start, end] =
                [&letters[..START], &letters[START + left_out..]].map(|part| part.iter().collect::<String>());
            format!("{start} … ({left_out} more characters) … {end}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_shows_both_its_ends() {
        let text = format!("球{}end", "x".repeat(1000));
        let shown = shortened(&text);
        assert!(shown.starts_with("球x") && shown.ends_with("xend") && shown.contains("504 more"), "{shown}");
        assert_eq!(shortened(&text[..500]), text[..500]);
    }
}
