//! What stands for something that is still on its way.

use std::{future::Future, pin::Pin};

use futures_util::FutureExt;
use leptos::prelude::*;
use mtor_shared::problem::Problem;
use wasm_bindgen_futures::spawn_local;

use crate::{
    later::Missing,
    shell::{dispatcher::use_shell, event::Event},
    ui::{Button, Kind, Trouble, dynamic},
};

/// Where something is that comes later.
#[derive(Clone, Copy)]
enum Arrival<P> {
    Coming,
    Here(P),
    Missing,
}

/// Draws something when its file is there. Until then it says so; when the file does not come, it offers to try again.
/// `around` is what these words stand in.
pub(super) fn later<P, F>(
    around: fn(AnyView) -> AnyView,
    fetch: fn() -> F,
    draw: impl Fn(P) -> AnyView + Send + 'static,
) -> impl IntoView
where
    P: Copy + Send + Sync + 'static,
    F: Future<Output = Result<P, Missing>> + 'static,
{
    let shell = use_shell();
    let arrival = RwSignal::new(Arrival::Coming);
    let again = move || {
        let mut fetched: Pin<Box<dyn Future<Output = _>>> = Box::pin(fetch());
        // What was fetched before is there at once.
        if let Some(fetched) = (&mut fetched).now_or_never() {
            return arrival.set(fetched.map_or(Arrival::Missing, Arrival::Here));
        }
        arrival.set(Arrival::Coming);
        spawn_local(async move {
            let fetched = fetched.await.map_or(Arrival::Missing, Arrival::Here);
            let is_here = matches!(fetched, Arrival::Here(_));
            // Whoever asked may be gone by now.
            if arrival.try_set(fetched).is_none() && is_here {
                shell.dispatch(Event::Came);
            }
        });
    };
    again();
    dynamic(move || match arrival.get() {
        Arrival::Here(parts) => draw(parts),
        Arrival::Coming => around(view! { <p class="muted">"One moment."</p> }.into_any()),
        Arrival::Missing => around(missing(again)),
    })
}

fn missing(again: impl Fn() + 'static) -> AnyView {
    let problem = Problem::from(Missing);
    view! {
        <div role="alert">
            <Trouble problem />
            <div class="buttons"><Button kind=Kind::Main press=again>"Retry"</Button></div>
        </div>
    }
    .into_any()
}
