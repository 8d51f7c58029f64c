impl<R: Repo, const N: usize> Gen<R, N>
where
    R: Clone,
{
    #[allow(
        clippy::needless_pass_by_value,
        reason = "parameters of handlers own their data"
    )]
    fn get(&self, key: R::Key) -> [u8; N] {
        [0; N]
    }
}
#[automatically_derived]
impl<R: Repo, const N: usize> ::sio_actix::__private::Controller for Gen<R, N>
where
    R: Clone,
{
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
        reg.guard(logged_in);
        {
            reg.event(
                &["get"],
                "get",
                |req: &mut ::sio_actix::__private::Requirements| {
                    (&&&::sio_actix::__private::Probe::<R::Key>::new())
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
                            R::Key,
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
                        let outlet = cx.ack_only();
                        ::sio_actix::__private::run_sync(
                            cx,
                            &this,
                            move |this: &::sio_actix::__private::Arc<Self>| {
                                let r = Self::get(this, a0);
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
