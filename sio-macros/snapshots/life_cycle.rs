impl Hello {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    async fn admit(&self, auth: Auth<Token>) -> Result<State<User>, Refused> {
        Err(Refused)
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn count(&self) -> bool {
        true
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    async fn joined(&self, socket: Socket) {}
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn leaving(&self) -> u8 {
        1
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn left() {}
}
#[automatically_derived]
impl ::sio_actix::__private::ControllerPath for Hello {
    const PATH: &'static ::core::primitive::str = PATH;
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
            reg.connect_guard(
                "admit",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<Auth<Token>>::new())
                        .pick_context()
                        .require(req);
                },
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match (&&&::sio_actix::__private::Probe::<
                            Auth<Token>,
                        >::new())
                            .pick_context()
                            .take(cx)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        let socket = ::core::clone::Clone::clone(cx.socket());
                        let this = ::core::clone::Clone::clone(&this);
                        ::sio_actix::__private::pending(async move {
                            let r = Self::admit(&this, a0).await;
                            ::sio_actix::__private::admit(&socket, r)
                        })
                    }
                },
            );
        }
        {
            reg.connect_guard(
                "count",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let socket = ::core::clone::Clone::clone(cx.socket());
                        ::sio_actix::__private::run_sync(
                            cx,
                            &this,
                            move |this: &::sio_actix::__private::Arc<Self>| {
                                let r = Self::count(this);
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
            reg.connection(
                    "joined",
                    |req: &mut ::sio_actix::__private::Requirements| {
                        (&&&::sio_actix::__private::Probe::<Socket>::new())
                            .pick_context()
                            .require(req);
                    },
                    {
                        let this = ::core::clone::Clone::clone(&self);
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
                            let outlet = cx.ack_only();
                            let this = ::core::clone::Clone::clone(&this);
                            ::sio_actix::__private::pending(async move {
                                let r = Self::joined(&this, a0).await;
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
                .cancel_on_disconnect();
        }
        {
            reg.disconnecting(
                    "leaving",
                    |_: &mut ::sio_actix::__private::Requirements| {},
                    {
                        let this = ::core::clone::Clone::clone(&self);
                        move |
                            cx: &::sio_actix::__private::EventCx<'_>,
                        | -> ::sio_actix::__private::Dispatch {
                            ::sio_actix::__private::run_emitting(
                                cx,
                                &this,
                                move |
                                    this: &::sio_actix::__private::Arc<Self>,
                                    outlet: ::sio_actix::__private::Lent<'_>|
                                {
                                    let r = Self::leaving(this);
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
                )
                .emit(::sio_actix::__private::Emission::broadcast("left"));
        }
        {
            reg.disconnect(
                "left",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let outlet = cx.ack_only();
                        ::sio_actix::__private::run_sync(
                            cx,
                            &this,
                            move |_: &::sio_actix::__private::Arc<Self>| {
                                let r = Self::left();
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
