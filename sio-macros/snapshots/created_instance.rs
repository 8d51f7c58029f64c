impl Counter {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    async fn new(user: State<User>) -> Result<Self, Refused> {
        Err(Refused)
    }
}
#[automatically_derived]
impl ::sio_actix::__private::ControllerPath for Counter {
    const PATH: &'static ::core::primitive::str = "/";
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
        {
            reg.create(
                "new",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<State<User>>::new())
                        .pick_context()
                        .require(req);
                },
                {
                    move |
                        cx: &::sio_actix::__private::EventCx<'_>,
                    | -> ::sio_actix::__private::Dispatch {
                        let a0 = match (&&&::sio_actix::__private::Probe::<
                            State<User>,
                        >::new())
                            .pick_context()
                            .take(cx)
                        {
                            ::core::result::Result::Ok(value) => value,
                            ::core::result::Result::Err(out) => return out,
                        };
                        let socket = ::core::clone::Clone::clone(cx.socket());
                        ::sio_actix::__private::pending(async move {
                            let r = Self::new(a0).await;
                            ::sio_actix::__private::created::<Self, _>(&socket, r)
                        })
                    }
                },
            );
        }
    }
}
