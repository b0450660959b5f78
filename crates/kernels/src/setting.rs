//! Environment variables that change how kernels run.

use std::{env, ffi::OsStr, fmt};

use crate::{isa::Isa, threads};

/// An environment variable with a value that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    variable: &'static str,
    expected: String,
    found: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, expected, found } = self;
        write!(f, "environment variable {variable}: expected {expected}, found '{found}'")
    }
}

impl std::error::Error for SettingError {}

/// Fails if `KINORA_THREADS` or `KINORA_ISA` has a value that would be ignored: for programs, before they begin.
///
/// # Errors
/// The first such variable.
pub fn check_settings() -> Result<(), SettingError> {
    check("KINORA_THREADS", threads::expected(), |value| threads::parse(value).is_some())?;
    check("KINORA_ISA", Isa::names(), |value| Isa::named(value).is_some())
}

fn check(
    variable: &'static str,
    expected: String,
    means_something: impl Fn(&str) -> bool,
) -> Result<(), SettingError> {
    check_value(variable, expected, env::var_os(variable).as_deref(), means_something)
}

fn check_value(
    variable: &'static str,
    expected: String,
    value: Option<&OsStr>,
    means_something: impl Fn(&str) -> bool,
) -> Result<(), SettingError> {
    match value {
        Some(value) if !value.to_str().is_some_and(means_something) => {
            Err(SettingError { variable, expected, found: value.to_string_lossy().into_owned() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_ignored_is_refused_with_its_name() {
        let threads = |value: Option<&str>| {
            let value = value.map(OsStr::new);
            check_value("KINORA_THREADS", threads::expected(), value, |value| threads::parse(value).is_some())
        };
        for value in ["abc", "0", "-1", "1e9", "", " 2", "2.0", "1000000000", "99999999999999999999"] {
            let message = threads(Some(value)).unwrap_err().to_string();
            assert!(
                message.contains("KINORA_THREADS") && message.ends_with(&format!("'{value}'")),
                "{message}"
            );
        }
        for value in [None, Some("1"), Some("2"), Some("1024")] {
            assert_eq!(threads(value), Ok(()));
        }
        let isa = |value| {
            check_value("KINORA_ISA", Isa::names(), Some(OsStr::new(value)), |value| {
                Isa::named(value).is_some()
            })
        };
        let message = isa("sse9").unwrap_err().to_string();
        assert!(message.contains("KINORA_ISA") && message.contains("avx2"), "{message}");
        assert_eq!(isa("avx512bf16"), Ok(()));
        assert!(isa("").is_err() && isa("AVX2").is_err());
    }
}
