//! `tidy`: the rules of this project that a program can check.
//!
//! `files` collects what is looked at, `source` judges lines of code, `layout` judges packages and
//! what depends on what, `compatibility` the page of behaviours with their proofs, `hostile` that of
//! attacks with theirs. A warning asks for a
//! look in review; an error fails the task.

mod compatibility;
mod files;
mod hostile;
mod layout;
mod proofs;
mod source;

/// What was found, in the order it was found.
#[derive(Default)]
pub(crate) struct Report {
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl Report {
    /// A rule is broken; `at` is a path, with a line where there is one.
    fn error(&mut self, at: impl std::fmt::Display, what: impl std::fmt::Display) {
        self.errors.push(format!("{at}: {what}"));
    }

    fn warn(&mut self, at: impl std::fmt::Display, what: impl std::fmt::Display) {
        self.warnings.push(format!("{at}: {what}"));
    }
}

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if let Some(arg) = args.first() {
        return Err(format!("tidy takes no argument, found `{arg}`"));
    }
    let files = files::collect(crate::sh::root())?;
    let mut report = Report::default();
    for file in &files {
        source::check(file, &mut report);
        layout::check_file(file, &mut report);
    }
    compatibility::check(&files, &mut report);
    hostile::check(&files, &mut report);
    layout::check_workspace(&mut report)?;
    for line in &report.warnings {
        println!("warning: {line}");
    }
    for line in &report.errors {
        println!("error: {line}");
    }
    println!(
        "tidy: {} files, {} warnings, {} errors",
        files.len(),
        report.warnings.len(),
        report.errors.len()
    );
    if report.errors.is_empty() {
        Ok(())
    } else {
        Err("tidy found errors, listed above".to_owned())
    }
}
