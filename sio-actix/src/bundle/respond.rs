//! Answers to requests for client files.

use std::sync::{Arc, OnceLock};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use crate::http::compression::well;
use crate::http::negotiation::{Coding, Ties, preferred};

use super::{ClientBundle, File};

const CODINGS: [Coding; 3] = [Coding::Brotli, Coding::Gzip, Coding::Deflate];

/// What an answer says about its file.
#[derive(Debug, Clone)]
pub(crate) struct Manner<'a> {
    pub(crate) kind: &'static str,
    pub(crate) cache: &'static str,
    pub(crate) etag: &'a str,
    /// It gets smaller by that.
    pub(crate) compress: bool,
}

impl ClientBundle {
    /// Answers a request for a file.
    pub(crate) async fn respond(&self, file: &Arc<File>, request: &HttpRequest) -> HttpResponse {
        let kind = if file.name.ends_with(".map") {
            "application/json; charset=utf-8"
        } else {
            "application/javascript; charset=utf-8"
        };
        let (cache, etag) = ("public, max-age=0", &*self.etag);
        file.answer(request, &Manner { kind, cache, etag, compress: true }).await
    }
}

impl File {
    /// Answers a request for the file.
    ///
    /// Differs from the reference: the answer says that it varies with `Accept-Encoding`, or a shared
    /// cache would give compressed files to those who did not ask for them.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: &HttpRequest,
        manner: &Manner<'_>,
    ) -> HttpResponse {
        let known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tag| tag.strip_prefix("W/").unwrap_or(tag) == manner.etag);
        let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut response = HttpResponse::build(status);
        response
            .insert_header((header::CACHE_CONTROL, manner.cache))
            .insert_header((header::VARY, "Accept-Encoding"))
            .insert_header((header::ETAG, manner.etag));
        if known {
            return response.finish();
        }
        response.insert_header((header::CONTENT_TYPE, manner.kind));
        if manner.compress
            && let Some(coding) = preferred(request, &CODINGS, Ties::Client)
            && let Some(compressed) = self.compressed(coding).await
        {
            return response.insert_header(coding.header()).body(compressed);
        }
        response.body(self.plain.clone())
    }

    /// The compressed file; the first who asks has it made, by a thread that is there for work that takes
    /// its time.
    async fn compressed(self: &Arc<Self>, coding: Coding) -> Option<Bytes> {
        if let Some(made) = self.slot(coding).get() {
            return made.clone();
        }
        let file = Arc::clone(self);
        let made =
            web::block(move || file.slot(coding).get_or_init(|| well(coding, &file.plain)).clone());
        // Without a thread there is the plain file.
        made.await.ok().flatten()
    }

    const fn slot(&self, coding: Coding) -> &OnceLock<Option<Bytes>> {
        let [brotli, gzip, deflate] = &self.compressed;
        match coding {
            Coding::Brotli => brotli,
            Coding::Gzip => gzip,
            Coding::Deflate => deflate,
        }
    }
}
