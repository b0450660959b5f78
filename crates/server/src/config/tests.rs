use std::fs;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ServeArgs,
}

fn args(flags: &[&str]) -> ServeArgs {
    Cli::try_parse_from([&["serve"], flags].concat()).unwrap().args
}

fn load(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings> {
    Settings::load_with(&args(flags), &|name| {
        let found = environment.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

#[test]
fn a_flag_is_stronger_than_the_environment_and_that_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.toml");
    fs::write(
        &path,
        "port = 1\nqueue_length = 2\nrunners = 3\nstrict = true\nlog = \"json\"\naliases = [\"a=b\"]",
    )
    .unwrap();
    let file = path.to_str().unwrap();
    let settings = load(
        &["--port", "10"],
        &[("KINORA_CONFIG", file), ("KINORA_PORT", "11"), ("KINORA_QUEUE_LENGTH", "12")],
    );
    let settings = settings.unwrap();
    assert_eq!((settings.port, settings.queue_length, settings.runners), (10, 12, 3));
    assert!(settings.strict && settings.log == LogForm::Json);
    assert_eq!(settings.aliases.0, [Pair::new("a", "b")]);
    let named = load(&["--config", file, "--strict=false"], &[]).unwrap();
    assert!(named.port == 1 && !named.strict);
    assert!(load(&["--strict"], &[]).unwrap().strict);
}

#[test]
fn what_is_printed_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.toml");
    let key = format!("alice:{}", "0a".repeat(32));
    let settings = load(&["--short-share", "0.5", "--api-keys", &key, "--data", "/tmp/x"], &[]).unwrap();
    fs::write(&path, settings.to_toml().unwrap()).unwrap();
    assert_eq!(load(&["--config", path.to_str().unwrap()], &[]).unwrap(), settings);
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.toml");
    fs::write(&path, "prot = 1").unwrap();
    assert!(load(&["--config", path.to_str().unwrap()], &[]).unwrap_err().is_usage());
    assert!(load(&["--config", "/nowhere/serve.toml"], &[]).is_err());
    for (name, value) in [
        ("KINORA_PORT", "70000"),
        ("KINORA_SHORT_SHARE", "0"),
        ("KINORA_SHORT_SHARE", "NaN"),
        ("KINORA_RUNNERS", "0"),
        ("KINORA_API_KEYS", "secret"),
        ("KINORA_LOG", "loud"),
        ("KINORA_ALIASES", "sora"),
        ("KINORA_DEFAULT_SECONDS", "-1"),
        ("KINORA_CERTIFICATE", "chain.pem"),
        ("KINORA_PRIVATE_KEY", "key.pem"),
        ("KINORA_QUEUE", "http://127.0.0.1:4222"),
        ("KINORA_QUEUE_REPLICAS", "6"),
        ("KINORA_QUEUE_SILENCE_SECONDS", "0"),
    ] {
        let error = load(&[], &[(name, value)]).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("expected"), "{name}: {error}");
    }
}

#[test]
fn data_is_where_the_system_keeps_data() {
    let data = |environment: &[(&str, &str)]| load(&[], environment).unwrap().data.0;
    assert_eq!(data(&[("HOME", "/home/a")]), Path::new("/home/a/.local/share/kinora/serve"));
    assert_eq!(data(&[("XDG_DATA_HOME", "/data")]), Path::new("/data/kinora/serve"));
    assert_eq!(data(&[("KINORA_DATA", "/d"), ("XDG_DATA_HOME", "/data")]), Path::new("/d"));
}
