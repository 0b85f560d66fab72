//! Small pictures, one stroke of 1.5 px each.

use leptos::prelude::*;

/// A small picture.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    /// Send.
    Arrow,
    /// Stop.
    Stop,
    /// Remove.
    Cross,
    /// Do it again.
    Again,
    /// Done.
    Tick,
    /// Leads elsewhere.
    Leave,
    /// It stays here.
    Lock,
    /// One more.
    Plus,
    /// Goes back.
    Back,
    /// Goes on.
    Forth,
    /// Change it.
    Pencil,
    /// Into the clipboard.
    Copy,
    /// Have it as a file.
    Down,
    /// Remove it for good.
    Bin,
    /// What there is.
    List,
}

impl Picture {
    fn path(self) -> &'static str {
        match self {
            Self::Arrow => "M12 19V5M6 11l6-6 6 6",
            Self::Stop => "M7 7h10v10H7z",
            Self::Cross => "M6 6l12 12M18 6L6 18",
            Self::Again => "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5",
            Self::Tick => "M5 12.5l4.5 4.5L19 7.5",
            Self::Leave => "M8 5h11v11M19 5L6 18",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Back => "M14.5 5.5L8 12l6.5 6.5",
            Self::Forth => "M9.5 5.5L16 12l-6.5 6.5",
            Self::Pencil => "M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5l-4.5 1zM14 6.5l3.5 3.5",
            Self::Copy => "M9 9h10.5v10.5H9zM5 15H4.5V4.5H15V5",
            Self::Down => "M12 4v11M7 10.5l5 5 5-5M4.5 19.5h15",
            Self::Bin => "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 12.5h9l1-12.5M10.5 10.5v6M13.5 10.5v6",
            Self::List => "M4 7h16M4 12h16M4 17h10",
            Self::Lock => "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z",
        }
    }
}

/// Draws it; it says nothing to a screen reader.
#[component]
pub(crate) fn Icon(
    /// What.
    picture: Picture,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=picture.path() />
        </svg>
    }
}
