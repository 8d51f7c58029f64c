impl Hello {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    #[cfg(feature = "x")]
    #[deprecated]
    async fn a(&self) {}
}
#[automatically_derived]
impl sio::__private::ControllerPath for Hello {
    const PATH: &'static ::core::primitive::str = "/x";
}
#[automatically_derived]
impl sio::__private::Controller for Hello {
    const NAMESPACE: &'static ::core::primitive::str = <Self as sio::__private::ControllerPath>::PATH;
    fn register(
        self: sio::__private::Arc<Self>,
        ns: &mut sio::__private::NamespaceBuilder,
    ) {
        use sio::__private::probe::*;
        let mut reg = sio::__private::Registrar::new(
            ns,
            ::core::any::type_name::<Self>(),
        );
        reg.guard(g);
        reg.middleware(m);
        reg.on_error(e);
        reg.ordered();
        reg.cancel_on_disconnect();
        #[cfg(feature = "x")] #[allow(deprecated)]
        {
            reg.event(
                    &["a", names::B],
                    "a",
                    |_: &mut sio::__private::Requirements| {},
                    {
                        let this = ::core::clone::Clone::clone(&self);
                        move |
                            cx: &sio::__private::EventCx<'_>,
                            mut args: sio::__private::ArgCursor<'_>,
                        | -> sio::__private::Dispatch {
                            if let ::core::result::Result::Err(out) = sio::__private::finish(
                                &mut args,
                            ) {
                                return out;
                            }
                            let outlet = cx.outlet();
                            let this = ::core::clone::Clone::clone(&this);
                            sio::__private::pending(async move {
                                let r = Self::a(&this).await;
                                match sio::__private::Ret::of(&r).split(r) {
                                    ::core::result::Result::Ok(r) => {
                                        (&&&sio::__private::Ret::of(&r)).run(r, outlet).await
                                    }
                                    ::core::result::Result::Err(out) => {
                                        sio::__private::Reply::Err(out)
                                    }
                                }
                            })
                        }
                    },
                )
                .emit(sio::__private::Emission::emit("c").room("r").room(ROOM).always())
                .emit(
                    sio::__private::Emission::broadcast("d")
                        .except_self()
                        .local()
                        .volatile(),
                )
                .guard(admin)
                .guard(Role("x"))
                .middleware(audit)
                .on_error(log)
                .ordered()
                .multi()
                .latest()
                .cancel_on_disconnect();
            reg.fallback(
                    "a",
                    |_: &mut sio::__private::Requirements| {},
                    {
                        let this = ::core::clone::Clone::clone(&self);
                        move |
                            cx: &sio::__private::EventCx<'_>,
                            mut args: sio::__private::ArgCursor<'_>,
                        | -> sio::__private::Dispatch {
                            if let ::core::result::Result::Err(out) = sio::__private::finish(
                                &mut args,
                            ) {
                                return out;
                            }
                            let outlet = cx.outlet();
                            let this = ::core::clone::Clone::clone(&this);
                            sio::__private::pending(async move {
                                let r = Self::a(&this).await;
                                match sio::__private::Ret::of(&r).split(r) {
                                    ::core::result::Result::Ok(r) => {
                                        (&&&sio::__private::Ret::of(&r)).run(r, outlet).await
                                    }
                                    ::core::result::Result::Err(out) => {
                                        sio::__private::Reply::Err(out)
                                    }
                                }
                            })
                        }
                    },
                )
                .emit(sio::__private::Emission::emit("c").room("r").room(ROOM).always())
                .emit(
                    sio::__private::Emission::broadcast("d")
                        .except_self()
                        .local()
                        .volatile(),
                )
                .guard(admin)
                .guard(Role("x"))
                .middleware(audit)
                .on_error(log);
        }
    }
}
