//! How to: pages with examples that run.

#![allow(rustdoc::private_intra_doc_links, reason = "pages, not an interface")]

macro_rules! pages {
    ($($page:ident: $file:literal),* $(,)?) => {
        $(#[doc = include_str!($file)] pub mod $page {})*
    };
}

pages! {
    getting_started: "docs/guide/getting_started.md",
    overview: "docs/guide/overview.md",
    controllers: "docs/guide/controllers.md",
    parameters: "docs/guide/parameters.md",
    replies: "docs/guide/replies.md",
    rooms: "docs/guide/rooms.md",
    guards: "docs/guide/guards.md",
    errors: "docs/guide/errors.md",
    options: "docs/guide/options.md",
    testing: "docs/guide/testing.md",
    deploying: "docs/guide/deploying.md",
    scaling: "docs/guide/scaling.md",
    migrating: "docs/guide/migrating.md",
    troubleshooting: "docs/guide/troubleshooting.md",
}
