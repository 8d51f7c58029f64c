//! The Admin UI of the chat, where the environment has credentials for it.

use std::io;
use std::process;

use actix_web::web::ServiceConfig;
use sio_actix::{AdminMode, AdminPage, AdminUi};
use sio_redis::RedisLogins;

use crate::setting;

/// Who may look, from `ADMIN_USER` and `ADMIN_PASSWORD_HASH`; nobody without both.
pub(crate) fn ui() -> io::Result<Option<AdminUi>> {
    let user: String = setting("ADMIN_USER", String::new())?;
    let hash: String = setting("ADMIN_PASSWORD_HASH", String::new())?;
    if user.is_empty() && hash.is_empty() {
        return Ok(None);
    }
    let node: String = setting("NODE_NAME", format!("chat-{}", process::id()))?;
    let mut ui = AdminUi::basic(user, hash).server_id(node);
    let mode: String = setting("ADMIN_MODE", String::new())?;
    ui = match mode.as_str() {
        "" => ui,
        "development" => ui.mode(AdminMode::Development),
        "production" => ui.mode(AdminMode::Production),
        _ => return Err(io::Error::other("ADMIN_MODE is neither development nor production")),
    };
    let redis: String = setting("REDIS_URL", String::new())?;
    if !redis.is_empty() {
        // The next request of the page may go to another node.
        ui = ui.login_store(RedisLogins::new(&redis).map_err(io::Error::other)?);
    }
    Ok(Some(ui))
}

/// The page, from the folder `ADMIN_PAGE`, or where npm put it. The hosted one does as well.
#[expect(clippy::print_stderr, reason = "the example has no other log")]
pub(crate) fn page() -> io::Result<Option<AdminPage>> {
    if ui()?.is_none() {
        return Ok(None);
    }
    let folder: String = setting("ADMIN_PAGE", String::new())?;
    if !folder.is_empty() {
        return AdminPage::folder(folder).map(Some).map_err(io::Error::other);
    }
    let found = AdminPage::search();
    if let Err(error) = &found {
        eprintln!("chat: the Admin UI has no page here: {error}");
    }
    Ok(found.ok())
}

/// The page at `/admin/`, if there is one.
pub(crate) fn routes(page: Option<AdminPage>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        if let Some(page) = page {
            config.configure(page.configure("/admin"));
        }
    }
}
