//! Sources: descriptions of APIs, what became of them, and trying what they offer. On wide windows the list stays beside
//! what is looked at; on narrow ones each is a page of its own.

mod add;
mod credentials;
mod operation;
mod operations;
mod schema_tree;
mod settings;
mod source;
mod sources;

use leptos::{ev::DragEvent, prelude::*};

use self::{add::Add, operation::Operation, operations::Operations, source::SourcePage, sources::Sources};
use crate::{
    platform::files,
    shell::{
        dispatcher::{Dispatcher, use_shell},
        event::Clerk,
        place::Place,
        view::federation as view,
    },
    ui::{Button, Icon, Picture, dynamic, memo, when},
};

/// Adds each file.
fn add_files(shell: Dispatcher, files: Option<files::FileList>) {
    files::read(files, move |file| {
        shell.clerk(match file {
            Ok((name, text)) => Clerk::Dropped { name, text },
            Err(problem) => Clerk::Unreadable(problem),
        });
    });
}

/// What others draw of it.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    /// The whole screen.
    pub(crate) whole: fn() -> AnyView,
}

/// The only way in, so that all of it can come later.
pub(crate) const PARTS: Parts = Parts { whole: || view! { <Federation /> }.into_any() };

#[component]
fn Federation() -> impl IntoView {
    let shell = use_shell();
    let place = shell.view(|model| model.place.clone());
    // The tab and the words that are searched for are no other page.
    let page = memo(move || {
        place.with(|place| match place {
            Place::Source { source, .. } => Some(Page::Source(source.clone())),
            Place::Operation(id) => Some(Page::Operation(id.clone())),
            Place::Stream | Place::Federation { .. } | Place::Chat | Place::Talk { .. } | Place::Models => {
                None
            }
        })
    });
    let at_list = memo(move || page.with(Option::is_none));
    let removed = shell.view(view::removed);
    let over = RwSignal::new(false);
    let dragged = move |event: DragEvent| {
        event.prevent_default();
        over.set(true);
    };
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        add_files(shell, event.data_transfer().and_then(|data| data.files()));
    };
    view! {
        <main
            class="federation"
            class:at-list=move || at_list.get()
            class:dropping=move || over.get()
            on:dragover=dragged
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            <aside class="rail" aria-label="Sources">
                <h2 class="rail-title">"Federation"</h2>
                <Add />
                <Sources />
            </aside>
            <section class="detail" aria-label="What is looked at">
                {dynamic(move || match page.get() {
                    None => view! { <Everywhere /> }.into_any(),
                    Some(Page::Source(id)) => view! { <Back /> <SourcePage id /> }.into_any(),
                    Some(Page::Operation(id)) => view! { <Back /> <Operation id /> }.into_any(),
                })}
            </section>
            {dynamic(move || removed.get().map(|title| view! {
                <p class="notice notice-undo notice-floating">
                    {format!("{title} removed. ")}
                    <Button press=move || shell.clerk(Clerk::Undo)>"Undo"</Button>
                </p>
            }))}
        </main>
    }
}

#[derive(Clone, PartialEq)]
enum Page {
    Source(mtor_shared::source::SourceId),
    Operation(mtor_shared::capability::CapabilityId),
}

/// The way up.
#[component]
fn Back() -> impl IntoView {
    let back = use_shell().view(view::back);
    dynamic(move || {
        back.get().map(|(address, name)| {
            view! { <a class="back" href=address><Icon picture=Picture::Back />{name}</a> }
        })
    })
}

/// A search in all sources.
#[component]
fn Everywhere() -> impl IntoView {
    let has_sources = use_shell()
        .view(|model| model.federation.sources.as_ref().is_some_and(|sources| !sources.is_empty()));
    view! {
        <div class="everywhere">
            <h3 class="detail-title">"Find an operation"</h3>
            <p class="muted">
                {dynamic(move || if has_sources.get() {
                    "Search what every source can do, by meaning and by words. Or choose a source."
                } else {
                    "Add the description of an API. Its operations become things that you can ask for."
                })}
            </p>
            {when(has_sources, move || view! {
                <Operations />
            })}
        </div>
    }
}
