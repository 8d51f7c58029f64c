//! The official browser client, served under the server's path.
//!
//! The files come from an npm package: from its folder when the server is built, or embedded when the
//! program is. They are compressed when first asked for, once per coding.

mod folder;
mod respond;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

pub use folder::ClientFilesError;
#[cfg(feature = "admin")]
pub(crate) use respond::Manner;

/// The files a bundle may have.
const FILES: [&str; 8] = [
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
];

/// The client's files in memory; for [`IoBuilder::client_bundle`](crate::IoBuilder::client_bundle).
///
/// Cloning shares them.
#[derive(Debug, Clone)]
pub struct ClientBundle {
    files: Arc<[Arc<File>]>,
    etag: Arc<str>,
}

/// A file in memory.
#[derive(Debug)]
pub(crate) struct File {
    name: Cow<'static, str>,
    plain: Bytes,
    /// Brotli, gzip and deflate, each made when it is first asked for; `None` if it cannot be.
    compressed: [OnceLock<Option<Bytes>>; 3],
}

impl File {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, plain: Bytes) -> Arc<Self> {
        let compressed = [const { OnceLock::new() }; 3];
        Arc::new(Self { name: name.into(), plain, compressed })
    }
}

impl ClientBundle {
    /// Reads the folder of the npm package `socket.io-client` or `socket.io`, or the one in it that has
    /// the files.
    ///
    /// # Errors
    ///
    /// There is no bundle, or a file cannot be read.
    pub fn from_dir(folder: impl AsRef<Path>) -> Result<Self, ClientFilesError> {
        folder::load(folder.as_ref())
    }

    /// Files that are part of the program, with the text of their package's manifest.
    #[doc(hidden)]
    #[must_use]
    pub fn embedded(manifest: &[u8], files: [&'static [u8]; 8]) -> Self {
        let files = FILES.into_iter().zip(files).map(|(name, bytes)| (name, bytes.into()));
        Self::new(&folder::version_of(manifest).unwrap_or_else(|| "unknown".to_owned()), files)
    }

    fn new(version: &str, files: impl IntoIterator<Item = (&'static str, Bytes)>) -> Self {
        let files = files.into_iter().map(|(name, plain)| File::new(name, plain));
        Self { files: files.collect(), etag: format!("\"{version}\"").into() }
    }

    /// The file with a name.
    pub(crate) fn file(&self, name: &str) -> Option<&Arc<File>> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// Where the files come from.
pub(crate) enum ClientSource {
    /// From wherever npm put them, if they are wanted.
    Search,
    Folder(PathBuf),
    Bundle(ClientBundle),
}

impl ClientSource {
    pub(crate) fn load(
        self,
        serve: Option<bool>,
    ) -> Result<Option<ClientBundle>, ClientFilesError> {
        match (self, serve) {
            (_, Some(false)) | (Self::Search, None) => Ok(None),
            (Self::Search, Some(true)) => folder::search().map(Some),
            (Self::Folder(folder), _) => folder::load(&folder).map(Some),
            (Self::Bundle(bundle), _) => Ok(Some(bundle)),
        }
    }
}

/// Makes the files of an npm package `socket.io-client` part of the program; for
/// [`IoBuilder::client_bundle`](crate::IoBuilder::client_bundle).
///
/// The path is that of the package's folder, relative to the source file that says it as in
/// `include_bytes!`, or absolute. A file that is not there is an error of the compiler.
///
/// ```text
/// // In src/main.rs, with node_modules beside Cargo.toml:
/// let client = sio_actix::embed_client!("../node_modules/socket.io-client");
/// // or, from any source file:
/// let client = sio_actix::embed_client!(concat!(
///     env!("CARGO_MANIFEST_DIR"),
///     "/node_modules/socket.io-client",
/// ));
/// let io = Io::builder().client_bundle(client).build();
/// ```
#[macro_export]
macro_rules! embed_client {
    ($package:expr $(,)?) => {
        $crate::ClientBundle::embedded(
            ::core::include_bytes!(::core::concat!($package, "/package.json")),
            [
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.js")),
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.js.map")),
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.min.js")),
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.min.js.map")),
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.esm.min.js")),
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.esm.min.js.map")),
                ::core::include_bytes!(::core::concat!($package, "/dist/socket.io.msgpack.min.js")),
                ::core::include_bytes!(::core::concat!(
                    $package,
                    "/dist/socket.io.msgpack.min.js.map"
                )),
            ],
        )
    };
}
