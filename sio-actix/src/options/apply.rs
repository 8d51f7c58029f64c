//! From options to the builder.

use sio_core::engine::PerMessageDeflate;
use sio_core::limits::Limits;
use sio_core::server::Recovery;

use crate::config::IoBuilder;
use crate::http::compression::HttpCompression;
use crate::http::cookie::Cookie;
use crate::http::cors::Cors;

#[cfg(feature = "msgpack")]
use super::ParserOption;
use super::fields::Layer as _;
use super::{
    CookieOptions, CorsOptions, IoOptions, LimitOptions, OriginOption, RecoveryOptions, Switch,
};

impl<T> Switch<T> {
    /// What it is on with.
    pub fn on(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::On(settings) => Some(settings),
        }
    }
}

impl IoOptions {
    /// These options, and those of `other` where these say nothing, down to the options inside of `cors`,
    /// `cookie` and the others.
    ///
    /// ```
    /// use sio_actix::IoOptions;
    ///
    /// let file: IoOptions = serde_json::from_str(r#"{"path": "/chat", "cookie": {"name": "sid"}}"#)?;
    /// let environment = IoOptions::from_vars("SIO_", [("SIO_COOKIE_SECURE", "true")])?;
    /// let both: IoOptions = serde_json::from_str(
    ///     r#"{"path": "/chat", "cookie": {"name": "sid", "secure": true}}"#,
    /// )?;
    /// assert_eq!(environment.or(file), both);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.over(other)
    }
}

impl IoBuilder {
    /// Sets what the options say, and leaves everything else; later calls of the builder win.
    ///
    /// `cors`, `cookie`, `perMessageDeflate`, `httpCompression` and `connectionStateRecovery` are set as a
    /// whole: options from two places are joined by [`IoOptions::or`] before.
    #[must_use]
    pub fn options(mut self, options: IoOptions) -> Self {
        self = self.transport_options(&options);
        if let Some(path) = options.path {
            self = self.path(&path);
        }
        if let Some(add) = options.add_trailing_slash {
            self = self.add_trailing_slash(add);
        }
        if let Some(serve) = options.serve_client {
            self = self.serve_client(serve);
        }
        if let Some(folder) = options.client_dir {
            self = self.client_dir(folder);
        }
        if let Some(limits) = options.limits {
            self = self.limits(|known| limits.apply(known));
        }
        if let Some(bytes) = options.max_http_buffer_size {
            self = self.max_payload(bytes);
        }
        if let Some(cleanup) = options.cleanup_empty_child_namespaces {
            self = self.cleanup_empty_namespaces(cleanup);
        }
        if let Some(message) = options.initial_packet {
            self = self.initial_packet(&message);
        }
        if let Some(cors) = options.cors {
            self = self.cors(cors.on().and_then(CorsOptions::into_cors));
        }
        if let Some(policy) = options.origin_policy {
            self = self.origin_policy(policy);
        }
        if let Some(binding) = options.bind_session {
            self = self.bind_session(binding);
        }
        if let Some(headers) = options.keep_headers {
            self = self.keep_headers(headers);
        }
        if let Some(cookie) = options.cookie {
            self = self.cookie(cookie.on().map(CookieOptions::into_cookie));
        }
        if let Some(deflate) = options.per_message_deflate {
            self = self.per_message_deflate(deflate.on().map(|deflate| {
                deflate.threshold.map_or_else(Default::default, PerMessageDeflate::with_threshold)
            }));
        }
        if let Some(recovery) = options.connection_state_recovery {
            self =
                self.connection_state_recovery(recovery.on().map(RecoveryOptions::into_recovery));
        }
        #[cfg(feature = "msgpack")]
        if options.parser == Some(ParserOption::Msgpack) {
            self = self.parser(sio_core::parser::MsgpackParser);
        }
        if let Some(compression) = options.http_compression {
            self = self.http_compression(match compression {
                Switch::Off => HttpCompression::OFF,
                Switch::On(on) => {
                    on.threshold.map_or_else(Default::default, HttpCompression::threshold)
                }
            });
        }
        self
    }

    fn transport_options(mut self, options: &IoOptions) -> Self {
        let config = self.core.config_mut();
        for (value, target) in [
            (options.ping_interval, &mut config.engine.ping_interval),
            (options.ping_timeout, &mut config.engine.ping_timeout),
            (options.upgrade_timeout, &mut config.engine.upgrade_timeout),
            (options.connect_timeout, &mut config.connect_timeout),
        ] {
            set(target, value);
        }
        set(&mut config.engine.allow_upgrades, options.allow_upgrades);
        set(&mut config.engine.allow_eio3, options.allow_eio3);
        if let Some(transports) = &options.transports {
            self = self.transports(transports);
        }
        self
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

impl CorsOptions {
    fn into_cors(self) -> Option<Cors> {
        let mut cors = match self.origin {
            Some(OriginOption::Off) => return None,
            None | Some(OriginOption::Any) => Cors::any(),
            Some(OriginOption::Mirror) => Cors::mirror(),
            Some(OriginOption::Fixed(origin)) => Cors::fixed(origin),
            Some(OriginOption::List(origins)) => Cors::list(origins),
        };
        if let Some(methods) = self.methods {
            cors = cors.methods(methods);
        }
        if let Some(names) = self.allowed_headers {
            cors = cors.allowed_headers(names);
        }
        if let Some(names) = self.exposed_headers {
            cors = cors.exposed_headers(names);
        }
        if let Some(age) = self.max_age {
            cors = cors.max_age(age);
        }
        if let Some(status) = self.options_success_status {
            cors = cors.options_success_status(status);
        }
        Some(cors.credentials(self.credentials.unwrap_or(false)))
    }
}

impl RecoveryOptions {
    fn into_recovery(self) -> Recovery {
        let mut recovery = Recovery::default();
        set(&mut recovery.max_disconnection_duration, self.max_disconnection_duration);
        set(&mut recovery.skip_guards, self.skip_middlewares);
        recovery
    }
}

impl CookieOptions {
    fn into_cookie(self) -> Cookie {
        let mut cookie = self.name.map_or_else(Cookie::default, Cookie::new);
        if let Some(path) = self.path {
            cookie = cookie.path(path.on().as_deref());
        }
        if let Some(domain) = self.domain {
            cookie = cookie.domain(domain);
        }
        if let Some(hidden) = self.http_only {
            cookie = cookie.http_only(hidden);
        }
        if let Some(same_site) = self.same_site {
            cookie = cookie.same_site(same_site.on());
        }
        if let Some(age) = self.max_age {
            cookie = cookie.max_age(age);
        }
        cookie.secure(self.secure.unwrap_or(false)).partitioned(self.partitioned.unwrap_or(false))
    }
}

impl LimitOptions {
    fn apply(self, limits: &mut Limits) {
        for (value, target) in [
            (self.max_payload, &mut limits.max_payload),
            (self.max_attachments, &mut limits.max_attachments),
            (self.max_binary_packet, &mut limits.max_binary_packet),
            (self.max_namespace_len, &mut limits.max_namespace_len),
            (self.max_namespaces, &mut limits.max_namespaces),
            (self.max_dynamic_namespaces, &mut limits.max_dynamic_namespaces),
            (self.send_buffer_high, &mut limits.send_buffer_high),
            (self.send_buffer_max, &mut limits.send_buffer_max),
            (self.send_buffer_max_frames, &mut limits.send_buffer_max_frames),
            (self.max_pending_acks, &mut limits.max_pending_acks),
            (self.max_handlers, &mut limits.max_handlers),
            (self.max_server_side_handlers, &mut limits.max_server_side_handlers),
            (self.max_json_depth, &mut limits.max_json_depth),
            (self.max_rooms, &mut limits.max_rooms),
            (self.max_connections, &mut limits.max_connections),
            (self.max_connections_per_ip, &mut limits.max_connections_per_ip),
            (self.max_recovery_packets, &mut limits.max_recovery_packets),
            (self.max_recovery_bytes, &mut limits.max_recovery_bytes),
            (self.max_recovery_bytes_total, &mut limits.max_recovery_bytes_total),
            (self.max_recovery_sockets, &mut limits.max_recovery_sockets),
            (self.max_cluster_requests, &mut limits.max_cluster_requests),
            (self.max_cluster_answers, &mut limits.max_cluster_answers),
            (self.max_cluster_answer_bytes, &mut limits.max_cluster_answer_bytes),
            (self.max_pending_input, &mut limits.max_pending_input),
            (self.max_room_events, &mut limits.max_room_events),
            (self.max_request_target, &mut limits.max_request_target),
            (self.max_request_head, &mut limits.max_request_head),
            (self.max_request_headers, &mut limits.max_request_headers),
            (self.max_idle_packets, &mut limits.max_idle_packets),
            (self.max_worker_queue, &mut limits.max_worker_queue),
            (self.max_worker_queue_bytes, &mut limits.max_worker_queue_bytes),
        ] {
            set(target, value);
        }
        for (value, target) in [
            (self.attachment_timeout, &mut limits.attachment_timeout),
            (self.body_timeout, &mut limits.body_timeout),
            (self.max_cluster_ack_timeout, &mut limits.max_cluster_ack_timeout),
            (self.close_timeout, &mut limits.close_timeout),
            (self.write_timeout, &mut limits.write_timeout),
        ] {
            set(target, value);
        }
        set(&mut limits.send_policy, self.send_policy);
        set(&mut limits.max_connect_failures, self.max_connect_failures);
        set(&mut limits.max_events_per_second, self.max_events_per_second);
    }
}
