//! Results put into words by a model on this device.

use leptos::prelude::*;

use crate::{
    shell::{
        dispatcher::use_shell,
        event::Person,
        model::EntryId,
        view::words::{self as view, WordsView},
    },
    ui::{Button, Icon, Kind, Picture, Trouble, dynamic, memo},
};

/// What is drawn, without what changes while it is drawn.
#[derive(Clone, PartialEq)]
enum Shape {
    Offer(Option<String>),
    Coming,
    Writing,
    Over(WordsView),
    Failed(WordsView),
}

/// The words of an entry, or the way to them.
#[component]
pub(super) fn InWords(id: EntryId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let words = shell.view(move |model| view::words(model, &of));
    let shape = memo(move || {
        words.get().map(|words| match words {
            WordsView::Offer(download) => Shape::Offer(download),
            WordsView::Coming(..) => Shape::Coming,
            WordsView::Writing(_) => Shape::Writing,
            WordsView::Over(..) => Shape::Over(words),
            WordsView::Failed(_) => Shape::Failed(words),
        })
    });
    let coming = move || match words.get() {
        Some(WordsView::Coming(words, _)) => words,
        _ => String::new(),
    };
    let share = move || match words.get() {
        Some(WordsView::Coming(_, share)) => share.map(|share| share.to_string()),
        _ => None,
    };
    let written = move || match words.get() {
        Some(WordsView::Writing(text)) => text,
        _ => String::new(),
    };
    dynamic(move || {
        let (tell, stop) = (id.clone(), id.clone());
        let tell = move || shell.person(Person::Tell(tell.clone()));
        let stop = move || {
            let stop = stop.clone();
            view! { <Button kind=Kind::Quiet press=move || shell.person(Person::StopTelling(stop.clone()))>"Not now"</Button> }
        };
        shape.get().map(|shape| match shape {
            Shape::Offer(download) => view! {
                <div class="buttons in-words-offer">
                    <Button kind=Kind::Quiet press=tell>
                        <Icon picture=Picture::Lock />
                        "Say it in words"
                        {download.map(|size| view! {
                            <span class="button-note">{format!("downloads a model of {size}, once")}</span>
                        })}
                    </Button>
                </div>
            }
            .into_any(),
            Shape::Coming => view! {
                <div class="coming">
                    <p class="number">{coming}</p>
                    <progress class="bar" max="1" value=share aria-label="The words are on their way"></progress>
                    {stop()}
                </div>
            }
            .into_any(),
            Shape::Writing => view! {
                <div class="in-words writing">
                    <p>{written}</p>
                    {stop()}
                </div>
            }
            .into_any(),
            Shape::Over(WordsView::Over(text, note)) => view! {
                <div class="in-words">
                    <p>{text}</p>
                    <p class="note">
                        {note} " "
                        <Button kind=Kind::Quiet label="Say it again" press=tell><Icon picture=Picture::Again /></Button>
                    </p>
                </div>
            }
            .into_any(),
            Shape::Failed(WordsView::Failed(problem)) => view! {
                <Trouble problem />
                <div class="buttons">
                    <Button press=tell>"Retry"</Button>
                    {stop()}
                </div>
            }
            .into_any(),
            Shape::Over(_) | Shape::Failed(_) => ().into_any(),
        })
    })
}
