//! Rules about the signature of one handler.

use quote::ToTokens;
use syn::{
    FnArg, GenericArgument, GenericParam, Lifetime, PatType, PathArguments, ReturnType, Signature,
    Type, TypeParamBound, TypeReference,
};

use crate::controller::model::{Handler, Receiver, Role, Scope};
use crate::diag::Errors;

/// As many as the tuples of arguments elsewhere in the API have.
const MAX_PARAMS: usize = 12;

impl Handler<'_> {
    /// Whether its call gives something that is polled.
    pub(crate) fn can_wait(&self) -> bool {
        self.sig.asyncness.is_some() || self.returns_impl_trait()
    }

    /// Whether its call is awaited: `async fn`, or `-> impl Future`, which is the same.
    pub(crate) fn is_awaited(&self) -> bool {
        let ReturnType::Type(_, ty) = &self.sig.output else {
            return self.sig.asyncness.is_some();
        };
        let is_future = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == "Future")
            }
            _ => false,
        };
        let returns_future =
            matches!(&**ty, Type::ImplTrait(given) if given.bounds.iter().any(is_future));
        self.sig.asyncness.is_some() || returns_future
    }

    /// `impl Stream`, also inside `Result<impl Stream, E>`.
    pub(crate) fn returns_impl_trait(&self) -> bool {
        let ReturnType::Type(_, ty) = &self.sig.output else { return false };
        let mut found = false;
        visit(ty, &mut |ty| found |= matches!(ty, Type::ImplTrait(_)));
        found
    }
}

pub(super) fn check(handler: &Handler<'_>, scope: Scope, errors: &mut Errors) {
    qualifiers(handler.sig, errors);
    generics(handler.sig, errors);
    receiver(handler, scope, errors);
    params(handler.sig, errors);
    forced(handler, errors);
    if let (Role::Create, ReturnType::Default) = (&handler.role, &handler.sig.output) {
        errors.at(&handler.sig.ident, "#[create] returns `Self` or `Result<Self, E>`");
    }
}

fn qualifiers(sig: &Signature, errors: &mut Errors) {
    if let Some(token) = &sig.constness {
        errors.at(token, "an event handler cannot be a `const fn`");
    }
    if let Some(token) = &sig.unsafety {
        errors.at(token, "an event handler cannot be `unsafe`: a client decides when it runs");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "an event handler cannot be an `extern fn`");
    }
}

fn generics(sig: &Signature, errors: &mut Errors) {
    // Lifetimes are found at every call; types and constants would have to be named.
    if sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_))) {
        let what = "an event handler cannot be generic: nothing would tell which type to use; make the controller generic instead";
        errors.at(&sig.generics, what);
    }
}

fn receiver(handler: &Handler<'_>, scope: Scope, errors: &mut Errors) {
    let Some(given) = handler.sig.receiver() else { return };
    let per_connection = scope.is_connection();
    let what = match (&handler.role, handler.receiver) {
        (Role::Create, _) => {
            "#[create] builds the controller and has none yet: remove the receiver"
        }
        (Role::ConnectGuard, _) if per_connection => {
            "a `scope = connection` controller is built after its connect guards: remove the receiver"
        }
        (_, Receiver::Mut) if !per_connection => {
            "handlers of many connections run at the same time and share one controller: take `&self` and keep mutable data in a Mutex/atomic, or per connection in `State<T>`"
        }
        (_, Receiver::Arc | Receiver::Value) if per_connection => {
            "the controller belongs to its connection: take `&self` or `&mut self`"
        }
        (_, Receiver::Value) => {
            "an event handler is called many times: take `&self` or `self: Arc<Self>`"
        }
        _ => return,
    };
    errors.at(given, what);
}

fn params(sig: &Signature, errors: &mut Errors) {
    for input in &sig.inputs {
        let attrs = match input {
            FnArg::Receiver(receiver) => &receiver.attrs,
            FnArg::Typed(typed) => &typed.attrs,
        };
        for attr in
            attrs.iter().filter(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr"))
        {
            errors.at(
                attr,
                "a parameter of a handler cannot be conditional: put `#[cfg(..)]` on the method",
            );
        }
    }
    let typed = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    for (index, PatType { pat, ty, .. }) in typed.enumerate() {
        if index == MAX_PARAMS {
            let what = "an event handler takes at most 12 parameters: read several into a struct, or the rest with `Rest<T>`";
            errors.at(pat, what);
        }
        if let Type::Reference(reference) = &**ty {
            owned(reference, errors);
        } else {
            inner(ty, sig, errors);
        }
    }
}

/// Only events have arguments.
fn forced(handler: &Handler<'_>, errors: &mut Errors) {
    if matches!(handler.role, Role::Messages(_) | Role::ServerSide(_)) {
        return;
    }
    for (_, path) in handler.params.iter().filter_map(|param| param.forced) {
        let role = handler.role.word().name();
        let what = format_args!(
            "#[{role}] takes everything from the connection and has no arguments; remove this"
        );
        errors.at(path, what);
    }
}

/// What is inside a parameter's type.
fn inner(ty: &Type, sig: &Signature, errors: &mut Errors) {
    visit(ty, &mut |ty| match ty {
        Type::ImplTrait(_) => {
            errors.at(ty, "handler parameters have one type each: nothing would tell what `impl Trait` stands for");
        }
        // A constant lives as long as the program; anything else would borrow from the packet.
        Type::Reference(reference) if !is_static(reference.lifetime.as_ref()) => {
            owned(reference, errors);
        }
        Type::Path(path) => {
            let arguments =
                path.path.segments.iter().flat_map(|segment| generic(&segment.arguments));
            for argument in arguments {
                if let GenericArgument::Lifetime(lifetime) = argument
                    && sig.generics.lifetimes().any(|param| param.lifetime == *lifetime)
                {
                    errors.at(
                        lifetime,
                        "handler parameters own their data; no lifetime reaches them",
                    );
                }
            }
        }
        _ => {}
    });
}

fn is_static(lifetime: Option<&Lifetime>) -> bool {
    lifetime.is_some_and(|lifetime| lifetime.ident == "static")
}

/// Refuses a reference and names the owned type.
fn owned(reference: &TypeReference, errors: &mut Errors) {
    let owned = match &*reference.elem {
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", printed(&slice.elem)),
        other => printed(other),
    };
    errors.at(reference, format_args!("handler parameters own their data; use `{owned}`"));
}

/// As people write it.
fn printed(ty: &Type) -> String {
    let spaced = ty.to_token_stream().to_string();
    let joined = spaced.replace(" :: ", "::").replace(" < ", "<").replace(" >", ">");
    joined.replace(" ,", ",").replace("& ", "&")
}

/// Calls `see` for `ty` and the types inside it that are values; a reference is not entered.
fn visit<'t>(ty: &'t Type, see: &mut dyn FnMut(&'t Type)) {
    see(ty);
    match ty {
        Type::Array(array) => visit(&array.elem, see),
        Type::Group(group) => visit(&group.elem, see),
        Type::Paren(paren) => visit(&paren.elem, see),
        Type::Slice(slice) => visit(&slice.elem, see),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| visit(elem, see)),
        Type::Path(path) => {
            for argument in
                path.path.segments.iter().flat_map(|segment| generic(&segment.arguments))
            {
                if let GenericArgument::Type(ty) = argument {
                    visit(ty, see);
                }
            }
        }
        _ => {}
    }
}

fn generic(arguments: &PathArguments) -> impl Iterator<Item = &GenericArgument> {
    let list = match arguments {
        PathArguments::AngleBracketed(angle) => Some(&angle.args),
        _ => None,
    };
    list.into_iter().flatten()
}
