//! Refusals leave nothing behind; a project has no placeholders.

use super::*;

/// A folder of one test, outside of the clone.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sio-new-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn entries(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn names_that_no_crate_can_have_are_refused() {
    let place = Place::new("names");
    let long = "a".repeat(LONGEST_NAME + 1);
    for name in [
        "",
        "1st",
        "-a",
        "_a",
        "a b",
        "a.b",
        "../a",
        "a/b",
        "c++",
        "é",
        "async",
        "test",
        "core",
        "sio-actix",
        "actix_web",
        &long,
    ] {
        let path = place.0.join("project").display().to_string();
        let args = [name.to_owned(), format!("--path={path}")];
        assert!(run(&args).is_err(), "{name:?} was taken");
    }
    assert_eq!(place.entries(), 0);
    for name in ["a", "chat", "my-chat", "my_chat2", "Chat", long.get(1..).unwrap()] {
        assert_eq!(check_name(name), Ok(()));
    }
}

#[test]
fn what_is_there_already_stays_as_it_is() {
    let place = Place::new("there");
    let file = place.0.join("taken");
    fs::write(&file, "mine").unwrap();
    assert!(create("chat", &file).unwrap_err().contains("exists"));
    assert!(create("chat", &place.0).unwrap_err().contains("exists"));
    assert_eq!((place.entries(), fs::read_to_string(&file).unwrap()), (1, "mine".to_owned()));
}

#[test]
fn a_place_in_no_folder_is_refused() {
    let place = Place::new("where");
    assert!(create("chat", &place.0.join("absent/chat")).is_err());
    assert_eq!(place.entries(), 0);
}

#[test]
fn arguments_that_nobody_knows_are_refused() {
    for line in ["", "--path x", "a b", "a --path", "a --lib"] {
        assert!(arguments(&words(line)).is_err(), "{line:?} was taken");
    }
    assert_eq!(arguments(&words("a")), Ok(("a", None)));
    assert_eq!(arguments(&words("--path x a")), Ok(("a", Some("x"))));
    assert_eq!(arguments(&words("a --path=x")), Ok(("a", Some("x"))));
}

#[test]
fn a_project_is_filled_in() {
    let place = Place::new("filled");
    let folder = place.0.join("my-chat");
    create("my-chat", &folder).unwrap();
    let text = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
    assert!(text("Cargo.toml").contains("name = \"my-chat\""));
    assert!(text("Cargo.toml").contains(&format!("path = \"{}/sio-actix\"", root().display())));
    assert!(text("tests/chat.rs").contains("use my_chat::"));
    assert_eq!(text(LOCK), read(&root().join(LOCK)).unwrap());
    assert!(!folder.join(ITS_SETTINGS).exists());
    for path in ["README.md", ".gitignore", "src/main.rs", "src/lib.rs", "src/chat.rs"] {
        assert!(!text(path).contains("{{"), "{path}");
    }
}
