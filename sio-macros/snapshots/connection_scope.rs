impl Counter {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn admit(socket: Socket) -> bool {
        true
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn up(&mut self, by: u32) -> u32 {
        1
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    async fn get(&self) -> u32 {
        1
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn none() {}
}
#[automatically_derived]
impl ::sio_actix::__private::ControllerPath for Counter {
    const PATH: &'static ::core::primitive::str = "/c";
}
#[automatically_derived]
impl ::sio_actix::__private::ConnectionController for Counter {
    const NAMESPACE: &'static ::core::primitive::str = <Self as ::sio_actix::__private::ControllerPath>::PATH;
    fn register(ns: &mut ::sio_actix::__private::NamespaceBuilder) {
        use ::sio_actix::__private::probe::*;
        let mut reg = ::sio_actix::__private::Registrar::new(
            ns,
            ::core::any::type_name::<Self>(),
        );
        reg.ordered();
        reg.create(
            "default",
            |_: &mut ::sio_actix::__private::Requirements| {},
            |cx: &::sio_actix::__private::EventCx<'_>| {
                ::sio_actix::__private::Dispatch::Ready(
                    ::sio_actix::__private::created::<
                        Self,
                        _,
                    >(cx.socket(), ::sio_actix::__private::default_instance::<Self>()),
                )
            },
        );
        {
            reg.connect_guard(
                "admit",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<Socket>::new())
                        .pick_context()
                        .require(req);
                },
                {
                    let this = ::sio_actix::__private::Arc::new(());
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match (&&&::sio_actix::__private::Probe::<
                            Socket,
                        >::new())
                            .pick_context()
                            .take(cx)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        let socket = ::core::clone::Clone::clone(cx.socket());
                        ::sio_actix::__private::run_sync(
                            cx,
                            &this,
                            move |_: &::sio_actix::__private::Arc<()>| {
                                let r = Self::admit(a0);
                                ::sio_actix::__private::Dispatch::Ready(
                                    ::sio_actix::__private::admit(&socket, r),
                                )
                            },
                        )
                    }
                },
            );
        }
        {
            reg.event(
                &["up"],
                "up",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<u32>::new()).pick().require(req);
                },
                {
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match (&&&::sio_actix::__private::Probe::<u32>::new())
                            .pick()
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
                        let this = match cx.instance::<Self>() {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        ::sio_actix::__private::pending(async move {
                            let this = &mut *this.lock().await;
                            let r = Self::up(this, a0);
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
        }
        {
            reg.event(
                &["get"],
                "get",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish(
                            &mut args,
                        ) {
                            return out;
                        }
                        let outlet = cx.ack_only();
                        let this = match cx.instance::<Self>() {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        ::sio_actix::__private::pending(async move {
                            let this = &*this.lock().await;
                            let r = Self::get(this).await;
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
        }
        {
            reg.event(
                &["none"],
                "none",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    let this = ::sio_actix::__private::Arc::new(());
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        if let ::core::result::Result::Err(out) = ::sio_actix::__private::finish(
                            &mut args,
                        ) {
                            return out;
                        }
                        let outlet = cx.ack_only();
                        ::sio_actix::__private::run_sync(
                            cx,
                            &this,
                            move |_: &::sio_actix::__private::Arc<()>| {
                                let r = Self::none();
                                match ::sio_actix::__private::Ret::of(&r).split(r) {
                                    ::core::result::Result::Ok(r) => {
                                        (&&&::sio_actix::__private::Ret::of(&r)).finish(r, outlet)
                                    }
                                    ::core::result::Result::Err(out) => {
                                        ::sio_actix::__private::failed(out)
                                    }
                                }
                            },
                        )
                    }
                },
            );
        }
    }
}
