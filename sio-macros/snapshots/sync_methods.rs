impl Hello {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn none() {}
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn shared(self: Arc<Self>, a: Both) -> Result<u8, Fault> {
        Ok(1)
    }
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn stream(&self) -> impl Stream<Item = u8> {
        self.items()
    }
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
            reg.event(
                &["none"],
                "none",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    let this = ::core::clone::Clone::clone(&self);
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
                            move |_: &::sio_actix::__private::Arc<Self>| {
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
        {
            reg.event(
                &["shared"],
                "shared",
                |req: &mut ::sio_actix::__private::Requirements| {
                    ::sio_actix::__private::forced_context::<Both>().require(req);
                },
                {
                    let this = ::core::clone::Clone::clone(&self);
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                        mut args: ::sio_actix::__private::ArgCursor<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match ::sio_actix::__private::forced_context::<Both>()
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
                        ::sio_actix::__private::run_sync(
                            cx,
                            &this,
                            move |this: &::sio_actix::__private::Arc<Self>| {
                                let r = Self::shared(::core::clone::Clone::clone(this), a0);
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
        {
            reg.event(
                &["stream"],
                "stream",
                |_: &mut ::sio_actix::__private::Requirements| {},
                {
                    let this = ::core::clone::Clone::clone(&self);
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
                        let this = ::core::clone::Clone::clone(&this);
                        ::sio_actix::__private::pending(async move {
                            let r = Self::stream(&this);
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
    }
}
