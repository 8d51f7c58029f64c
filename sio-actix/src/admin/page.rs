//! The page itself, served from the folder of its npm package.
//!
//! The files are read when the server is built: a request names one of them or nothing.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use crate::bundle::{File, Manner};

/// Where a package has the page, or its folder is the page's.
const INSIDE: [&str; 2] = ["ui/dist", ""];
const PACKAGE: &str = "node_modules/@socket.io/admin-ui";
const INDEX: &str = "index.html";
/// Folders in folders.
const MAX_DEPTH: usize = 3;
/// Bytes of all files; the page has two million.
const MAX_BYTES: usize = 32 << 20;

/// Files by their extensions: their type, and whether they get smaller by compression. Others are not served.
const KINDS: [(&str, &str, bool); 8] = [
    ("html", "text/html; charset=utf-8", true),
    ("css", "text/css; charset=utf-8", true),
    ("js", "text/javascript; charset=utf-8", true),
    ("svg", "image/svg+xml", true),
    ("png", "image/png", false),
    ("ico", "image/x-icon", false),
    ("woff", "font/woff", false),
    ("woff2", "font/woff2", false),
];

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminPageError {
    /// The folder has no page.
    #[error(
        "no index.html in {} or its folder ui/dist; get the page with `npm install @socket.io/admin-ui` and name node_modules/@socket.io/admin-ui",
        folder.display()
    )]
    Missing {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// There is no package.
    #[error(
        "there is no {PACKAGE} in {} or above; get it with `npm install @socket.io/admin-ui`, or name its folder",
        folder.display()
    )]
    NotFound {
        /// Where the search began.
        folder: PathBuf,
    },
    /// The folder is something else.
    #[error("{} has more than a page: above 32 MiB, or folders in folders in folders", folder.display())]
    TooLarge {
        /// The folder.
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

/// One file, and what is said about it.
#[derive(Debug)]
struct PageFile {
    file: Arc<File>,
    kind: &'static str,
    compress: bool,
    /// Its name has a hash of what is in it.
    is_immutable: bool,
    etag: String,
}

/// The official Admin UI's page, for a path of the application. Cloning shares the files.
///
/// The files are no part of this crate: they come from the npm package `@socket.io/admin-ui`.
///
/// ```no_run
/// use actix_web::App;
/// use sio_actix::{AdminPage, AdminUi, Io, Server};
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hash = std::env::var("ADMIN_PASSWORD_HASH")?;
/// let io = Io::builder().instrument(AdminUi::basic("admin", hash)).try_build()?;
/// let page = AdminPage::folder("node_modules/@socket.io/admin-ui")?;
/// Server::new(move || App::new().configure(io.configure()).configure(page.configure("/admin")))
///     .bind(("127.0.0.1", 3000))?
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AdminPage(Arc<HashMap<String, PageFile>>);

impl AdminPage {
    /// Reads the folder of the npm package, or the one in it that has the page.
    ///
    /// # Errors
    ///
    /// There is no page, or it cannot be read.
    pub fn folder(folder: impl AsRef<Path>) -> Result<Self, AdminPageError> {
        let folder = folder.as_ref();
        let inside = inside(folder)
            .ok_or_else(|| AdminPageError::Missing { folder: folder.to_path_buf() })?;
        let mut files = Found::default();
        files.read(&inside, "", MAX_DEPTH)?;
        Ok(Self(Arc::new(files.files)))
    }

    /// Reads `node_modules/@socket.io/admin-ui` in the working directory or the next above it that has one.
    ///
    /// # Errors
    ///
    /// As [`Self::folder`].
    pub fn search() -> Result<Self, AdminPageError> {
        let start = std::env::current_dir()
            .map_err(|source| AdminPageError::Unreadable { file: PathBuf::from("."), source })?;
        let mut packages = start.ancestors().map(|folder| folder.join(PACKAGE));
        match packages.find(|package| inside(package).is_some()) {
            Some(package) => Self::folder(package),
            None => Err(AdminPageError::NotFound { folder: start }),
        }
    }

    /// Adds the page's routes: `App::new().configure(page.configure("/admin"))`; it is at `/admin/` then.
    ///
    /// Whoever can reach the path can load the page; what it shows needs a login to the server. The path is no
    /// namespace: both may have the same name.
    pub fn configure(&self, path: &str) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let page = self.clone();
        let path = path.trim_matches('/').to_owned();
        move |config| {
            let bare = if path.is_empty() { String::new() } else { format!("/{path}") };
            // References of the page are relative: it needs the slash.
            let with_slash = format!("{}/", path.rsplit('/').next().unwrap_or_default());
            let redirect = move || {
                let to = with_slash.clone();
                async move {
                    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, to)).finish()
                }
            };
            let serve = move |request: HttpRequest| {
                let page = page.clone();
                async move { page.respond(&request).await }
            };
            if !bare.is_empty() {
                let redirect_head = redirect.clone();
                let resource = web::resource(bare.as_str());
                let resource = resource.route(web::get().to(redirect));
                config.service(resource.route(web::head().to(redirect_head)));
            }
            let resource = web::resource(format!("{bare}/{{file:.*}}"));
            let resource = resource.route(web::get().to(serve.clone()));
            config.service(resource.route(web::head().to(serve)));
        }
    }

    async fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let name = request.match_info().get("file").unwrap_or_default();
        let name = if name.is_empty() { INDEX } else { name };
        let Some(found) = self.0.get(name) else { return HttpResponse::NotFound().finish() };
        let cache =
            if found.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        let PageFile { kind, compress, .. } = *found;
        let manner = Manner { kind, cache, etag: &found.etag, compress };
        let mut response = found.file.answer(request, &manner).await;
        for (name, value) in HEADERS {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Nobody puts the page into one of theirs, where its visitor would press its buttons unseen.
const HEADERS: [(&str, &str); 3] = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// The folder of a package that has the page.
fn inside(package: &Path) -> Option<PathBuf> {
    let mut folders = INSIDE.into_iter().map(|inside| package.join(inside));
    folders.find(|folder| folder.join(INDEX).is_file())
}

#[derive(Default)]
struct Found {
    files: HashMap<String, PageFile>,
    bytes: usize,
}

impl Found {
    /// Reads a folder; `above` is the path to it in requests, with a slash at its end.
    fn read(&mut self, folder: &Path, above: &str, depth: usize) -> Result<(), AdminPageError> {
        let too_large = || AdminPageError::TooLarge { folder: folder.to_path_buf() };
        let unreadable = |source| AdminPageError::Unreadable { file: folder.to_path_buf(), source };
        for entry in folder.read_dir().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let file = entry.path();
            let unreadable = |source| AdminPageError::Unreadable { file: file.clone(), source };
            // Links are neither: they may lead anywhere.
            let kind = entry.file_type().map_err(unreadable)?;
            let Some(name) = entry.file_name().to_str().map(|name| format!("{above}{name}")) else {
                continue;
            };
            if kind.is_dir() {
                let depth = depth.checked_sub(1).ok_or_else(too_large)?;
                self.read(&file, &format!("{name}/"), depth)?;
            } else if kind.is_file()
                && let Some((kind, compress)) = kind_of(&name)
            {
                let len = entry.metadata().map_err(unreadable)?.len();
                self.bytes = self.bytes.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
                if self.bytes > MAX_BYTES {
                    return Err(too_large());
                }
                let plain = Bytes::from(std::fs::read(&file).map_err(unreadable)?);
                let (is_immutable, etag) = (has_hash(&name), format!("\"{:016x}\"", hash(&plain)));
                let file = File::new(name.clone(), plain);
                self.files.insert(name, PageFile { file, kind, compress, is_immutable, etag });
            }
        }
        Ok(())
    }
}

/// Type of a file, and whether it is compressed.
fn kind_of(name: &str) -> Option<(&'static str, bool)> {
    let (_, extension) = name.rsplit_once('.')?;
    let known = KINDS.iter().find(|(known, ..)| *known == extension);
    known.map(|(_, kind, compress)| (*kind, *compress))
}

/// `app.0d7d7845.js`
fn has_hash(name: &str) -> bool {
    let mut parts = name.rsplit('.').skip(1);
    let hash = parts.next().filter(|_| parts.next().is_some()).unwrap_or_default();
    hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// FNV-1a: tells two versions of a file apart, and no more.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_told_from_others() {
        for name in ["js/app.0d7d7845.js", "css/chunk-vendors.9f55d012.css"] {
            assert!(has_hash(name), "{name}");
        }
        for name in ["index.html", "favicon.png", "0d7d7845.js", "a.b.js", "app.notahash.js"] {
            assert!(!has_hash(name), "{name}");
        }
    }

    #[test]
    fn maps_and_programs_are_no_files_of_the_page() {
        for name in ["js/app.0d7d7845.js.map", "run.sh", "noextension", ".env"] {
            assert_eq!(kind_of(name), None, "{name}");
        }
    }

    #[test]
    fn an_error_says_how_to_get_the_page() {
        let error = AdminPage::folder("/nowhere").unwrap_err().to_string();
        assert!(error.contains("npm install @socket.io/admin-ui"), "{error}");
    }
}
