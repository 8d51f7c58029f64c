//! `bench`: what servers spend, side by side, and the pages that say so.
//!
//! `servers` builds and starts them, `measure` runs the load generator against one after the other,
//! `results` keeps what it said, `pages` and `plots` show it. What is measured within one core is
//! measured by criterion; `scale` reads its figures.

mod measure;
mod options;
mod pages;
mod plots;
mod results;
mod scale;
mod servers;
mod svg;

use std::fs;
use std::path::Path;

use crate::sh::Cmd;
use crate::workspace::Workspace;

use options::Options;
pub(crate) use options::USAGE;
use results::Results;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let options = Options::read(args)?;
    let workspace = Workspace::load()?;
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let results = match &options.from {
        Some(file) => Results::load(Path::new(file))?,
        None => measured(&options, &workspace, &folder)?,
    };
    println!("\n{}", pages::table(&results));
    let curves = scale::curves(&workspace.target.join("criterion"));
    if options.write {
        pages::write(&results)?;
        plots::write(&results, &curves)?;
    }
    results.judge()
}

fn measured(options: &Options, workspace: &Workspace, folder: &Path) -> Result<Results, String> {
    let servers = servers::prepare(options, &workspace.target)?;
    let file = folder.join("results.jsonl");
    let mut results = Results::new(options, &servers);
    results.begin(&file)?;
    let load = workspace.target.join("release").join("load");
    measure::all(options, &servers, &load, &mut results, &file)?;
    println!("\nresults: {}", file.display());
    if options.scale {
        let bench = Cmd::cargo().args("bench -p micro --bench rooms -- --noplot").run();
        if !bench.ok {
            return Err(bench.why);
        }
    }
    Ok(results)
}
