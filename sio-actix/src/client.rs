//! The official browser client, served under the server's path.
//!
//! The files come from a folder that the user names: the npm package `socket.io-client`, or its `dist`
//! folder. They are read once, when the server is built.

use std::io;
use std::path::{Path, PathBuf};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

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

/// Why the client's files cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientFilesError {
    /// The folder has no client bundle.
    #[error(
        "no socket.io.js in {} or its dist folder; get it with `npm install socket.io-client` and name node_modules/socket.io-client",
        folder.display()
    )]
    Missing {
        /// The folder that was named.
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

/// The client's files in memory.
#[derive(Debug)]
pub(crate) struct ClientFiles {
    files: Vec<(&'static str, Bytes)>,
    etag: String,
}

impl ClientFiles {
    pub(crate) fn load(folder: &Path) -> Result<Self, ClientFilesError> {
        let dist = [folder.join("dist"), folder.to_path_buf()]
            .into_iter()
            .find(|candidate| candidate.join("socket.io.js").is_file())
            .ok_or_else(|| ClientFilesError::Missing { folder: folder.to_path_buf() })?;
        let mut files = Vec::new();
        for name in FILES {
            let file = dist.join(name);
            match std::fs::read(&file) {
                Ok(bytes) => files.push((name, Bytes::from(bytes))),
                // Older packages have fewer bundles.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ClientFilesError::Unreadable { file, source }),
            }
        }
        let version = Self::version(&dist, &files);
        Ok(Self { files, etag: format!("\"{version}\"") })
    }

    /// The version in the package's manifest, or in the banner of the bundle.
    fn version(dist: &Path, files: &[(&'static str, Bytes)]) -> String {
        #[derive(serde::Deserialize)]
        struct Manifest {
            version: String,
        }
        let manifest = dist
            .parent()
            .and_then(|package| std::fs::read(package.join("package.json")).ok())
            .and_then(|json| serde_json::from_slice::<Manifest>(&json).ok());
        if let Some(manifest) = manifest {
            return manifest.version;
        }
        let banner = files.first().map(|(_, bytes)| bytes.slice(..bytes.len().min(120)));
        let banner = banner.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let version = banner.split("v").nth(1).map(|rest| {
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect()
        });
        version.unwrap_or_else(|| "unknown".to_owned())
    }

    /// Answers a request for `name`, if that is one of the files.
    pub(crate) fn respond(&self, name: &str, request: &HttpRequest) -> Option<HttpResponse> {
        let (name, bytes) = self.files.iter().find(|(known, _)| *known == name)?;
        let known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tag| tag == self.etag || tag.strip_prefix("W/") == Some(&self.etag));
        let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut response = HttpResponse::build(status);
        response
            .insert_header((header::CACHE_CONTROL, "public, max-age=0"))
            .insert_header((header::ETAG, self.etag.as_str()));
        if known {
            return Some(response.finish());
        }
        let kind = if name.ends_with(".map") {
            "application/json; charset=utf-8"
        } else {
            "application/javascript; charset=utf-8"
        };
        response.insert_header((header::CONTENT_TYPE, kind));
        Some(response.body(bytes.clone()))
    }
}
