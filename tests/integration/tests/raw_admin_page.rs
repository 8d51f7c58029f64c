//! The Admin UI's page, from the folder of its package.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::PathBuf;

use actix_web::{App, web};
use integration::{Http, Server};
use sio_actix::{AdminPage, AdminPageError, Io};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A package as npm lays it out; removed with its value.
struct Package(PathBuf);

impl Package {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("sio-admin-{name}-{}", std::process::id()));
        let package = Self(root);
        package.write("package.json", "{}");
        package.write("dist/index.js", "server side");
        package.write("ui/dist/index.html", "<html>page</html>");
        package.write("ui/dist/favicon.png", "png");
        package.write("ui/dist/js/app.0d7d7845.js", "script");
        package.write("ui/dist/js/app.0d7d7845.js.map", "{}");
        package.write("ui/dist/css/app.6e3b9661.css", "style");
        package.write("ui/dist/img/logo-dark.3a1b2c4d.svg", "<svg/>");
        package.write("ui/secret.html", "secret");
        package
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _kept = fs::remove_dir_all(&self.0);
    }
}

/// The page at `/admin` and, in a scope, at `/ops/ui`.
fn serve(page: AdminPage) -> Server {
    Server::host(Io::builder().build(), move |listener| {
        sio_actix::Server::new(move || {
            App::new()
                .configure(page.configure("/admin/"))
                .service(web::scope("/ops").configure(page.configure("ui")))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run()
    })
}

#[test]
fn a_folder_without_a_page_is_an_error() {
    let package = Package::new("none");
    match AdminPage::folder(package.0.join("dist")) {
        Err(AdminPageError::Missing { folder }) => assert_eq!(folder, package.0.join("dist")),
        other => panic!("{other:?}"),
    }
    package.write("ui/dist/a/b/c/d/e.html", "deep");
    assert!(matches!(AdminPage::folder(&package.0), Err(AdminPageError::TooLarge { .. })));
}

#[test]
fn other_files_are_not_served() {
    let package = Package::new("names");
    #[cfg(unix)]
    std::os::unix::fs::symlink(package.0.join("ui"), package.0.join("ui/dist/up")).unwrap();
    let server = serve(AdminPage::folder(&package.0).unwrap());
    let mut http = Http::connect(&server);
    for name in [
        "../secret.html",
        "..%2fsecret.html",
        "%2e%2e/secret.html",
        "js/../../secret.html",
        "up/secret.html",
        "/secret.html",
        "js",
        "js/",
        "js/app.0d7d7845.js.map",
        "js/app.0d7d7845.js/",
        "INDEX.HTML",
        "index.html%00",
        "../../package.json",
    ] {
        let response = http.get(&format!("/admin/{name}"));
        assert_eq!(response.status, 404, "{name}");
    }
    assert_eq!(http.post("/admin/", "x").status, 405);
}

#[test]
fn the_index_is_asked_for_each_time_and_files_with_a_hash_once() {
    let package = Package::new("files");
    for folder in [package.0.clone(), package.0.join("ui/dist")] {
        let server = serve(AdminPage::folder(folder).unwrap());
        let mut http = Http::connect(&server);
        for path in ["/admin/", "/admin/index.html", "/ops/ui/"] {
            let index = http.get(path);
            index.expect(200, "<html>page</html>");
            index.expect_header("content-type", "text/html; charset=utf-8");
            index.expect_header("cache-control", "no-cache");
            index.expect_header("x-frame-options", "DENY");
            index.expect_header("x-content-type-options", "nosniff");
        }
        for (name, kind, cache) in [
            ("js/app.0d7d7845.js", "text/javascript; charset=utf-8", IMMUTABLE),
            ("css/app.6e3b9661.css", "text/css; charset=utf-8", IMMUTABLE),
            ("img/logo-dark.3a1b2c4d.svg", "image/svg+xml", IMMUTABLE),
            ("favicon.png", "image/png", "no-cache"),
        ] {
            let file = http.get(&format!("/admin/{name}"));
            assert_eq!(file.status, 200, "{name}");
            file.expect_header("content-type", kind);
            file.expect_header("cache-control", cache);
        }
        // References of the page are relative.
        for (bare, location) in [("/admin", "admin/"), ("/ops/ui", "ui/")] {
            let bare = http.get(bare);
            assert_eq!(bare.status, 308);
            bare.expect_header("location", location);
        }
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let package = Package::new("etag");
    let server = serve(AdminPage::folder(&package.0).unwrap());
    let mut http = Http::connect(&server);
    let etag = http.get("/admin/").header("etag").unwrap().to_owned();
    http.send("GET", "/admin/", &format!("If-None-Match: {etag}\r\n"), "");
    assert_eq!(http.response().status, 304);
    package.write("ui/dist/index.html", "<html>new</html>");
    let server = serve(AdminPage::folder(&package.0).unwrap());
    let mut http = Http::connect(&server);
    http.send("GET", "/admin/", &format!("If-None-Match: {etag}\r\n"), "");
    http.response().expect(200, "<html>new</html>");
    http.send("GET", "/admin/", "Accept-Encoding: gzip\r\n", "");
    http.response().expect_header("content-encoding", "gzip");
}
