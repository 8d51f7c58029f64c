pub struct Gen<R: Repo = Memory, const N: usize = 1>(
    R,
)
where
    R: Clone;
#[automatically_derived]
impl<R: Repo, const N: usize> ::sio_actix::__private::ControllerPath for Gen<R, N>
where
    R: Clone,
{
    const PATH: &'static ::core::primitive::str = "/gen/{id}";
}
