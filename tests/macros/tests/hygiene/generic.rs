//! Controllers with type parameters, constants and where clauses.

use std::fmt::Display;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sio_actix::prelude::*;

trait Repo: Send + Sync + 'static {
    type Key: DeserializeOwned + Send + 'static;
    type Item: Serialize;
    fn get(&self, key: Self::Key) -> Self::Item;
}

struct Twice;

impl Repo for Twice {
    type Key = u32;
    type Item = u32;
    fn get(&self, key: u32) -> u32 {
        key * 2
    }
}

#[ws_controller("/gen")]
struct Gen<R: Repo = Twice, const N: usize = 2>
where
    R::Key: Copy,
{
    repo: R,
}

#[ws_handlers]
impl<R: Repo, const N: usize> Gen<R, N>
where
    R::Key: Copy,
{
    #[on_message("get")]
    async fn get(&self, key: R::Key) -> R::Item {
        self.repo.get(key)
    }

    #[on_message("size")]
    fn size(&self) -> usize {
        N
    }
}

#[ws_controller("/tuple")]
struct Tuple<T>(T)
where
    T: Display;

#[ws_handlers]
impl<T: Display + Send + Sync + 'static> Tuple<T> {
    #[on_message("show")]
    fn show(&self) -> String {
        self.0.to_string()
    }
}

struct Own<T>(PhantomData<T>);

#[ws_controller("/own", guard(Self::admits))]
impl<T> Own<T>
where
    T: DeserializeOwned + Serialize + Send + Sync + 'static,
{
    const EVENT: &'static str = "echo";

    #[on_message(Self::EVENT)]
    #[emit(Self::EVENT)]
    fn echo(&self, value: T) -> T {
        value
    }

    fn admits(_: &EventCx<'_>) -> bool {
        true
    }
}

struct Each<T>(T);

#[ws_controller("/each", scope = connection)]
impl<T: Default + DeserializeOwned + Send + 'static> Each<T> {
    #[create]
    fn create() -> Self {
        Self(T::default())
    }

    #[on_message("set")]
    fn set(&mut self, value: T) {
        self.0 = value;
    }
}

#[test]
fn is_mounted() {
    let builder = Io::builder().mount(Gen::<Twice, 4> { repo: Twice }).mount(Tuple(1_u8));
    let builder = builder.mount(Own::<String>(PhantomData)).mount_scoped::<Each<u8>>();
    drop(builder.build());
}
