//! Client files from the folder of an npm package.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{ClientBundle, FILES};

/// Folders of a package that may have the files: `socket.io-client` and `socket.io`.
const INSIDE: [&str; 3] = ["", "dist", "client-dist"];
/// Packages that have them, in the order in which they are looked for.
const PACKAGES: [&str; 2] = ["node_modules/socket.io-client", "node_modules/socket.io"];
/// Bytes of a bundle that its banner is in.
const BANNER: usize = 120;

/// Why the client's files cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientFilesError {
    /// The folder has no client bundle.
    #[error(
        "no socket.io.js in {} or its folders dist and client-dist; get it with `npm install socket.io-client` and name node_modules/socket.io-client",
        folder.display()
    )]
    Missing {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// `serve_client` is on, and no folder was named.
    #[error(
        "`serveClient` is on, but there is no node_modules/socket.io-client or node_modules/socket.io in {} or above; get it with `npm install socket.io-client`, or name its folder with `client_dir`",
        folder.display()
    )]
    NotFound {
        /// Where the search began.
        folder: PathBuf,
    },
    /// A file could not be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Looks for a package from the working directory upwards.
pub(super) fn search() -> Result<ClientBundle, ClientFilesError> {
    let start = std::env::current_dir()
        .map_err(|source| ClientFilesError::Unreadable { file: PathBuf::from("."), source })?;
    match find(&start) {
        Some(package) => load(&package),
        None => Err(ClientFilesError::NotFound { folder: start }),
    }
}

fn find(start: &Path) -> Option<PathBuf> {
    let candidates =
        start.ancestors().flat_map(|folder| PACKAGES.map(|package| folder.join(package)));
    candidates.into_iter().find(|package| inside(package).is_some())
}

/// The folder of a package that has the files.
fn inside(package: &Path) -> Option<PathBuf> {
    let mut folders = INSIDE.into_iter().map(|inside| package.join(inside));
    folders.find(|folder| folder.join("socket.io.js").is_file())
}

pub(super) fn load(package: &Path) -> Result<ClientBundle, ClientFilesError> {
    let folder = inside(package)
        .ok_or_else(|| ClientFilesError::Missing { folder: package.to_path_buf() })?;
    let mut files = Vec::new();
    for name in FILES {
        let file = folder.join(name);
        match std::fs::read(&file) {
            Ok(bytes) => files.push((name, Bytes::from(bytes))),
            // Older packages have fewer bundles.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ClientFilesError::Unreadable { file, source }),
        }
    }
    let banner = files.first().and_then(|(_, bytes)| version_in_banner(bytes));
    let manifest = || version_of(&std::fs::read(folder.parent()?.join("package.json")).ok()?);
    // The package of the server has a version of its own.
    let version = if folder.ends_with("client-dist") {
        banner.or_else(manifest)
    } else {
        manifest().or(banner)
    };
    Ok(ClientBundle::new(&version.unwrap_or_else(|| "unknown".to_owned()), files))
}

/// The version in a package's manifest.
pub(super) fn version_of(manifest: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        version: String,
    }
    serde_json::from_slice::<Manifest>(manifest).ok().map(|manifest| manifest.version)
}

/// The version in the comment on top of a bundle.
fn version_in_banner(bundle: &[u8]) -> Option<String> {
    let banner = String::from_utf8_lossy(bundle.get(..BANNER).unwrap_or(bundle));
    let (_, version) = banner.split_once('v')?;
    let is_part = |c: &char| c.is_ascii_alphanumeric() || ".-".contains(*c);
    Some(version.chars().take_while(is_part).collect::<String>()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_looked_for_upwards() {
        let root = std::env::temp_dir().join(format!("sio-search-{}", std::process::id()));
        let below = root.join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(find(&below).filter(|found| found.starts_with(&root)), None);
        let server = root.join("node_modules/socket.io");
        for (package, inside) in [
            (server.clone(), "client-dist"),
            (root.join("a/node_modules/socket.io-client"), "dist"),
        ] {
            std::fs::create_dir_all(package.join(inside)).unwrap();
            // A folder without the files is passed over.
            assert_ne!(find(&below), Some(package.clone()));
            std::fs::write(package.join(inside).join("socket.io.js"), "").unwrap();
            assert_eq!(find(&below), Some(package));
        }
        assert_eq!(find(&root), Some(server));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn an_error_says_how_to_get_the_files() {
        let error = ClientFilesError::NotFound { folder: "/srv".into() }.to_string();
        assert!(
            error.contains("npm install socket.io-client") && error.contains("/srv"),
            "{error}"
        );
    }

    #[test]
    fn banners_tell_the_version() {
        let banner = b"/*!\n * Socket.IO v4.8.1\n * (c) 2014";
        assert_eq!(version_in_banner(banner).as_deref(), Some("4.8.1"));
        assert_eq!(version_in_banner(b"/* nothing */"), None);
        assert_eq!(version_in_banner(b""), None);
    }
}
