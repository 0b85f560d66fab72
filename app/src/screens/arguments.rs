//! Draws a form made from a schema. It is drawn anew when controls come or go, never while somebody types.

use leptos::prelude::*;
use serde_json::Value;

use crate::{
    shell::{
        dispatcher::{Dispatcher, use_shell},
        event::{FormOf, Person},
        form::{Change, Control, Form, Kind, Path, TextSort},
        model::{Model, Shared},
        update::forms::control_id,
        view::plain,
    },
    ui::{Button, Icon, Kind as ButtonKind, Picture, dynamic, memo, wording},
};

fn form<'a>(model: &'a Model, of: &FormOf) -> Option<&'a Shared<Form>> {
    match of {
        FormOf::Bench => model.federation.bench.as_ref().map(|bench| &bench.form),
        FormOf::Entry(id) => model.form(id),
    }
}

/// What every control needs.
#[derive(Clone, Copy)]
struct Desk {
    shell: Dispatcher,
    of: StoredValue<FormOf>,
    complaints: Memo<Vec<(Path, String)>>,
}

impl Desk {
    fn change(self, path: &Path, change: Change) {
        self.shell.person(Person::Form(self.of.get_value(), path.clone(), change));
    }

    fn id(self, path: &Path) -> String {
        self.of.with_value(|of| control_id(of, path))
    }
}

/// The controls of a form: what is required, then the rest, folded.
#[component]
pub(crate) fn Arguments(
    /// Whose.
    of: FormOf,
) -> impl IntoView {
    let shell = use_shell();
    let whose = of.clone();
    let shape = shell.view(move |model| form(model, &whose).map(|form| form.shape));
    let whose = of.clone();
    let complaints =
        shell.view(move |model| form(model, &whose).map(|form| form.complaints()).unwrap_or_default());
    let whose = of.clone();
    // Read when the shape changes and at no other time.
    let snapshot = move || {
        shape.get();
        let whose = whose.clone();
        untrack(|| shell.view(move |model| form(model, &whose).cloned()).get_untracked())
    };
    let desk = Desk { shell, of: StoredValue::new(of), complaints };
    dynamic(move || {
        snapshot().map(|form| {
            view! { <div class="arguments">{children(desk, &Path::new(), &form.fields)}</div> }
        })
    })
}

fn control(desk: Desk, path: Path, control: &Control) -> AnyView {
    let id = desk.id(&path);
    let of = path.clone();
    let complaint = memo(move || {
        desk.complaints.with(|all| all.iter().find(|(at, _)| at == &of).map(|(_, words)| words.clone()))
    });
    let is_group = !control.is_null
        && matches!(control.kind, Kind::Object { .. } | Kind::List { .. } | Kind::OneOf { .. });
    let note_id = format!("{id}-note");
    let complaint_id = format!("{id}-complaint");
    let described = format!("{note_id} {complaint_id}");
    let title = if control.title.is_empty() { "Item".to_owned() } else { control.title.clone() };
    let required = control.required && !control.title.is_empty();
    let heading = view! {
        {title.clone()}
        {required.then(|| view! { <span class="required" aria-hidden="true">" *"</span> })}
    };
    let is_object = matches!(control.kind, Kind::Object { .. });
    let mut hint = if is_object { control.note.clone() } else { control.words.clone() };
    if !is_object && !control.note.is_empty() {
        hint = format!("{} ({hint})", control.note.trim());
    }
    let null = control.nullable.then(|| {
        let (of, is_null) = (path.clone(), control.is_null);
        let words = if is_null { "Give a value" } else { "Set to none" };
        view! {
            <Button kind=ButtonKind::Quiet press=move || desk.change(&of, Change::Null(!is_null))>{words}</Button>
        }
    });
    let inside = if control.is_null {
        view! { <p class="muted" id=id.clone() tabindex="-1">"None."</p> }.into_any()
    } else {
        input(desk, &path, control, &id, &title, described, complaint)
    };
    let tail = view! {
        <p id=note_id class="field-note">{hint} {null}</p>
        <p id=complaint_id class="complaint">{dynamic(move || complaint.get())}</p>
    };
    if is_group {
        view! {
            <fieldset class="group">
                <legend>{heading}</legend>
                {tail}
                {inside}
            </fieldset>
        }
        .into_any()
    } else {
        view! {
            <div class="field">
                <label for=id>{heading}</label>
                {inside}
                {tail}
            </div>
        }
        .into_any()
    }
}

fn input(
    desk: Desk,
    path: &Path,
    control: &Control,
    id: &str,
    title: &str,
    described: String,
    complaint: Memo<Option<String>>,
) -> AnyView {
    let id = id.to_owned();
    let required = control.required.to_string();
    let invalid = || wording(move || complaint.with(Option::is_some).to_string());
    let of = path.clone();
    match &control.kind {
        Kind::Text { typed, sort: TextSort::Lines } | Kind::Json { typed } => {
            let class = if matches!(control.kind, Kind::Json { .. }) { "area code" } else { "area" };
            view! {
                <textarea
                    id=id
                    class=class
                    rows="4"
                    spellcheck="false"
                    aria-required=required
                    aria-invalid=invalid()
                    aria-describedby=described
                    prop:value=typed.clone()
                    on:input=move |event| desk.change(&of, Change::Typed(event_target_value(&event)))
                ></textarea>
            }
            .into_any()
        }
        Kind::Text { typed, .. } | Kind::Number { typed, .. } => {
            let (kind, mode) = match control.kind {
                Kind::Text { sort: TextSort::Date, .. } => ("date", "text"),
                Kind::Text { sort: TextSort::Url, .. } => ("text", "url"),
                Kind::Text { sort: TextSort::Email, .. } => ("text", "email"),
                Kind::Number { whole: true, .. } => ("text", "numeric"),
                Kind::Number { whole: false, .. } => ("text", "decimal"),
                _ => ("text", "text"),
            };
            view! {
                <input
                    id=id
                    type=kind
                    inputmode=mode
                    autocomplete="off"
                    aria-required=required
                    aria-invalid=invalid()
                    aria-describedby=described
                    prop:value=typed.clone()
                    on:input=move |event| desk.change(&of, Change::Typed(event_target_value(&event)))
                />
            }
            .into_any()
        }
        Kind::Flag(chosen) => {
            let chosen = chosen.map(|yes| usize::from(!yes));
            select(desk, of, id, described, invalid(), vec!["yes".into(), "no".into()], chosen)
        }
        Kind::Pick { options, chosen } => {
            select(desk, of, id, described, invalid(), options.iter().map(plain).collect(), *chosen)
        }
        Kind::Fixed(value) => {
            let words = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            view! { <p id=id><code>{words}</code></p> }.into_any()
        }
        Kind::OneOf { forms, chosen } => {
            let names = forms.iter().map(|(name, _)| name.clone()).collect();
            let which = chosen.as_ref().map(|(index, _)| *index);
            let inner = chosen.iter().flat_map(|(_, inner)| inner).map(|inner| {
                let mut at = of.clone();
                at.push(0);
                match &inner.kind {
                    // Its fields, without a frame of their own.
                    Kind::Object { open: Some(fields), .. } => children(desk, &at, fields),
                    _ => vec![self::control(desk, at, inner)],
                }
            });
            let inner: Vec<_> = inner.collect();
            let label = format!("{title}: which");
            view! {
                <label class="unseen" for=id.clone()>{label}</label>
                {select(desk, of, id, described, invalid(), names, which)}
                {inner}
            }
            .into_any()
        }
        Kind::Object { open: None, .. } | Kind::List { open: None, .. } => {
            let words = format!("Add {title}");
            view! {
                <Button kind=ButtonKind::Quiet press=move || desk.change(&of, Change::Added)>
                    <Icon picture=Picture::Plus />
                    {words}
                </Button>
            }
            .into_any()
        }
        Kind::Object { open: Some(fields), .. } => {
            let inner = children(desk, &of, fields);
            view! { {inner} {leave_out(desk, of, control)} }.into_any()
        }
        Kind::List { open: Some(items), .. } => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let mut at = of.clone();
                at.push(index);
                let whole = of.clone();
                let label = format!("Take item {} out", index + 1);
                view! {
                    <li class="item">
                        {self::control(desk, at, item)}
                        <Button kind=ButtonKind::Quiet label=label press=move || desk.change(&whole, Change::TookOut(index))>
                            <Icon picture=Picture::Cross />
                        </Button>
                    </li>
                }
            });
            let items = items.collect_view();
            let whole = of.clone();
            view! {
                <ol class="items">{items}</ol>
                <div class="buttons">
                    <Button press=move || desk.change(&whole, Change::Added)>
                        <Icon picture=Picture::Plus />
                        "Add an item"
                    </Button>
                    {leave_out(desk, of, control)}
                </div>
            }
            .into_any()
        }
    }
}

/// The controls of an object: what is required, then the rest, folded.
fn children(desk: Desk, path: &Path, fields: &[Control]) -> Vec<AnyView> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let mut is_open = false;
    for (index, field) in fields.iter().enumerate() {
        let mut at = path.clone();
        at.push(index);
        let drawn = control(desk, at, field);
        if field.required {
            first.push(drawn);
        } else {
            is_open |= field.is_filled();
            rest.push(drawn);
        }
    }
    // A few in the depths are less trouble open than folded.
    let is_few = !path.is_empty() && rest.len() < 4;
    if first.is_empty() || rest.is_empty() || is_few {
        first.extend(rest);
    } else {
        let count = rest.len();
        let folded = view! {
            <details class="optional" open=is_open>
                <summary>{format!("Optional ({count})")}</summary>
                {rest}
            </details>
        };
        first.push(folded.into_any());
    }
    first
}

fn leave_out(desk: Desk, path: Path, control: &Control) -> Option<AnyView> {
    (!control.required).then(|| {
        view! { <Button kind=ButtonKind::Quiet press=move || desk.change(&path, Change::LeftOut)>"Leave out"</Button> }
            .into_any()
    })
}

fn select(
    desk: Desk,
    path: Path,
    id: String,
    described: String,
    invalid: Box<dyn FnMut() -> String + Send>,
    names: Vec<String>,
    chosen: Option<usize>,
) -> AnyView {
    let options = names.into_iter().enumerate().map(|(index, name)| {
        view! { <option value=index.to_string() selected=chosen == Some(index)>{name}</option> }
    });
    let options = options.collect_view();
    view! {
        <select
            id=id
            aria-invalid=invalid
            aria-describedby=described
            on:change=move |event| desk.change(&path, Change::Chose(event_target_value(&event).parse().ok()))
        >
            <option value="" selected=chosen.is_none()>"not set"</option>
            {options}
        </select>
    }
    .into_any()
}
