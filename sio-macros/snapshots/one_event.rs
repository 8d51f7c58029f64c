impl Hello {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    async fn add(&self, a: i64, socket: Socket) -> i64 {
        a + 1
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
                    &["add"],
                    "add",
                    |req: &mut ::sio_actix::__private::Requirements| {
                        (&&&::sio_actix::__private::Probe::<i64>::new())
                            .pick()
                            .require(req);
                        (&&&::sio_actix::__private::Probe::<Socket>::new())
                            .pick()
                            .require(req);
                    },
                    {
                        let this = ::core::clone::Clone::clone(&self);
                        move |
                            cx: &::sio_actix::__private::EventCx<'_>,
                            mut args: ::sio_actix::__private::ArgCursor<'_>,
                        | -> ::sio_actix::__private::Dispatch {
                            let a0 = match (&&&::sio_actix::__private::Probe::<
                                i64,
                            >::new())
                                .pick()
                                .take(cx, &mut args)
                            {
                                ::core::result::Result::Ok(value) => value,
                                ::core::result::Result::Err(out) => return out,
                            };
                            let a1 = match (&&&::sio_actix::__private::Probe::<
                                Socket,
                            >::new())
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
                            let outlet = cx.outlet();
                            let this = ::core::clone::Clone::clone(&this);
                            ::sio_actix::__private::pending(async move {
                                let r = Self::add(&this, a0, a1).await;
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
                .emit(::sio_actix::__private::Emission::emit("sum"));
        }
    }
}
