//! What changes, without a type of its own for each place: closures are boxed, so that all of one kind share their code.
//! Such code is most of what the shell weighs, and the shell is downloaded before anything is seen.

use leptos::prelude::*;

/// Something worked out from other things.
pub(crate) fn memo<T>(read: impl Fn() -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    boxed_memo(Box::new(read))
}

fn boxed_memo<T>(read: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    Memo::new(move |_| read())
}

/// Draws itself anew when what it reads changes.
pub(crate) type Drawing = Box<dyn FnMut() -> AnyView + Send>;

/// A part of the page that is drawn anew when what it reads changes.
pub(crate) fn dynamic<V: IntoView + 'static>(draw: impl Fn() -> V + Send + 'static) -> Drawing {
    Box::new(move || draw().into_any())
}

/// A part of the page that is there while something holds.
pub(crate) fn when<V: IntoView + 'static>(
    holds: Memo<bool>,
    draw: impl Fn() -> V + Send + 'static,
) -> Drawing {
    dynamic(move || holds.get().then(|| draw().into_any()))
}

/// A text that changes, for an attribute or a property.
pub(crate) fn wording(read: impl Fn() -> String + Send + 'static) -> Box<dyn FnMut() -> String + Send> {
    Box::new(read)
}

/// A yes or no that changes, for an attribute or a property.
pub(crate) fn flag(read: impl Fn() -> bool + Send + 'static) -> Box<dyn FnMut() -> bool + Send> {
    Box::new(read)
}

/// A text that is there or not, for an attribute.
pub(crate) fn word(
    read: impl Fn() -> Option<&'static str> + Send + 'static,
) -> Box<dyn FnMut() -> Option<&'static str> + Send> {
    Box::new(read)
}
