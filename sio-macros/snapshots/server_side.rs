impl Hello {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    async fn ask(&self, io: Io, a: i64) -> Result<i64, Fault> {
        Ok(a)
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn now(&self, a: Both, b: Both) -> u8 {
        1
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn shared(self: Arc<Self>) {}
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn none(a: u8) {}
}
#[automatically_derived]
impl ::sio_actix::__private::ControllerPath for Hello {
    const PATH: &'static ::core::primitive::str = "/";
}
#[automatically_derived]
impl ::sio_actix::__private::Controller for Hello {
    const NAMESPACE: &'static ::core::primitive::str = <Self as ::sio_actix::__private::ControllerPath>::PATH;
    fn register(
        self: ::sio_actix::__private::Arc<Self>,
        ns: &mut ::sio_actix::__private::NamespaceBuilder,
    ) {
        use ::sio_actix::__private::probe::*;
        let mut reg = ::sio_actix::__private::Registrar::new(
            ns,
            ::core::any::type_name::<Self>(),
        );
        {
            reg.server_side(
                &["ask", NAME],
                "ask",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<Io>::new())
                        .pick_server_side()
                        .require(req);
                    (&&&::sio_actix::__private::Probe::<i64>::new())
                        .pick_server_side()
                        .require(req);
                },
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::ServerSideCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match (&&&::sio_actix::__private::Probe::<Io>::new())
                            .pick_server_side()
                            .take(cx, &mut args)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        let a1 = match (&&&::sio_actix::__private::Probe::<i64>::new())
                            .pick_server_side()
                            .take(cx, &mut args)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish_strict(
                            &mut args,
                        ) {
                            return out;
                        }
                        let outlet = cx.ack_only();
                        let this = ::core::clone::Clone::clone(&this);
                        ::sio_actix::__private::pending(async move {
                            let r = Self::ask(&this, a0, a1).await;
                            match ::sio_actix::__private::Ret::of(&r).split(r) {
                                ::core::result::Result::Ok(r) => {
                                    (&&&::sio_actix::__private::Ret::of(&r))
                                        .run(r, outlet)
                                        .await
                                }
                                ::core::result::Result::Err(out) => {
                                    ::sio_actix::__private::Reply::Err(out)
                                }
                            }
                        })
                    }
                },
            );
            reg.server_side(
                    &["tell"],
                    "ask",
                    |req: &mut ::sio_actix::__private::Requirements| {
                        (&&&::sio_actix::__private::Probe::<Io>::new())
                            .pick_server_side()
                            .require(req);
                        (&&&::sio_actix::__private::Probe::<i64>::new())
                            .pick_server_side()
                            .require(req);
                    },
                    {
                        let this = ::core::clone::Clone::clone(&self);
                        move |
                            cx: &::sio_actix::__private::ServerSideCx<'_>,
                            mut args: ::sio_actix::__private::ArgCursor<'_>,
                        | -> ::sio_actix::__private::Dispatch {
                            let a0 = match (&&&::sio_actix::__private::Probe::<
                                Io,
                            >::new())
                                .pick_server_side()
                                .take(cx, &mut args)
                            {
                                ::core::result::Result::Ok(value) => value,
                                ::core::result::Result::Err(out) => return out,
                            };
                            let a1 = match (&&&::sio_actix::__private::Probe::<
                                i64,
                            >::new())
                                .pick_server_side()
                                .take(cx, &mut args)
                            {
                                ::core::result::Result::Ok(value) => value,
                                ::core::result::Result::Err(out) => return out,
                            };
                            if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish(
                                &mut args,
                            ) {
                                return out;
                            }
                            let outlet = cx.ack_only();
                            let this = ::core::clone::Clone::clone(&this);
                            ::sio_actix::__private::pending(async move {
                                let r = Self::ask(&this, a0, a1).await;
                                match ::sio_actix::__private::Ret::of(&r).split(r) {
                                    ::core::result::Result::Ok(r) => {
                                        (&&&::sio_actix::__private::Ret::of(&r))
                                            .run(r, outlet)
                                            .await
                                    }
                                    ::core::result::Result::Err(out) => {
                                        ::sio_actix::__private::Reply::Err(out)
                                    }
                                }
                            })
                        }
                    },
                )
                .multi();
        }
        {
            reg.server_side(
                &["now"],
                "now",
                |req: &mut ::sio_actix::__private::Requirements| {
                    ::sio_actix::__private::forced_server_side_context::<Both>()
                        .require(req);
                    ::sio_actix::__private::forced_server_side_argument::<Both>()
                        .require(req);
                },
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::ServerSideCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match ::sio_actix::__private::forced_server_side_context::<
                            Both,
                        >()
                            .take(cx, &mut args)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        let a1 = match ::sio_actix::__private::forced_server_side_argument::<
                            Both,
                        >()
                            .take(cx, &mut args)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish(
                            &mut args,
                        ) {
                            return out;
                        }
                        let outlet = cx.ack_only();
                        let this = &this;
                        let r = Self::now(this, a0, a1);
                        match ::sio_actix::__private::Ret::of(&r).split(r) {
                            ::core::result::Result::Ok(r) => {
                                (&&&::sio_actix::__private::Ret::of(&r)).finish(r, outlet)
                            }
                            ::core::result::Result::Err(out) => {
                                ::sio_actix::__private::failed(out)
                            }
                        }
                    }
                },
            );
        }
        {
            reg.server_side(
                &["shared"],
                "shared",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::ServerSideCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish(
                            &mut args,
                        ) {
                            return out;
                        }
                        let outlet = cx.ack_only();
                        let this = &this;
                        let r = Self::shared(::core::clone::Clone::clone(this));
                        match ::sio_actix::__private::Ret::of(&r).split(r) {
                            ::core::result::Result::Ok(r) => {
                                (&&&::sio_actix::__private::Ret::of(&r)).finish(r, outlet)
                            }
                            ::core::result::Result::Err(out) => {
                                ::sio_actix::__private::failed(out)
                            }
                        }
                    }
                },
            );
        }
        {
            reg.server_side(
                &["none"],
                "none",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<u8>::new())
                        .pick_server_side()
                        .require(req);
                },
                {
                    move |
                        cx: &::sio_actix::__private::ServerSideCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match (&&&::sio_actix::__private::Probe::<u8>::new())
                            .pick_server_side()
                            .take(cx, &mut args)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish(
                            &mut args,
                        ) {
                            return out;
                        }
                        let outlet = cx.ack_only();
                        let r = Self::none(a0);
                        match ::sio_actix::__private::Ret::of(&r).split(r) {
                            ::core::result::Result::Ok(r) => {
                                (&&&::sio_actix::__private::Ret::of(&r)).finish(r, outlet)
                            }
                            ::core::result::Result::Err(out) => {
                                ::sio_actix::__private::failed(out)
                            }
                        }
                    }
                },
            );
        }
    }
}
