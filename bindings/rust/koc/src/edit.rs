use std::ptr::{null, null_mut};

use crate::arena::Arena;
use crate::changes::Changes;
use crate::client::Client;
use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::Result;
use crate::ffi::{check, object, strings, Buffer};
use crate::file::{files, File};
use crate::image::Image;
use crate::image_builder::LayerHistory;
use crate::index::Index;
use crate::layer::{Layer, LayerOptions};
use crate::object::pointer;
use crate::op::Op;
use crate::place::ToPlace;

/// An image, or each image of an index, that is being changed. [`crate::Copy`] writes it to a place.
pub struct Edit(pub(crate) *mut koc_sys::koc_edit);
pointer!(Edit, koc_edit, koc_edit_free);

/// What an [`Edit`] holds.
#[derive(Clone)]
pub enum Edited {
    /// One image.
    Image(Image),
    /// Images for several platforms.
    Index(Index),
}

impl ToPlace for Edited {
    fn to_place(&self) -> Result<crate::Place> {
        match self {
            Edited::Image(image) => image.to_place(),
            Edited::Index(index) => index.to_place(),
        }
    }
}

impl Edit {
    /// Opens a place. Of an index, `platforms` are kept (an empty list: all). A client is needed for registries.
    pub fn open(
        context: &Context,
        client: Option<&Client>,
        from: impl ToPlace,
        platforms: &[&str],
        op: Op<'_>,
    ) -> Result<Self> {
        let (mut a, place) = (Arena::default(), from.to_place()?);
        let (raw, list) = (place.raw(), a.some(platforms)?);
        let client = client.map_or(null_mut(), |c| c.0);
        op.run(|op| unsafe {
            object(|out, e| koc_sys::koc_edit_open(context.0, client, &raw, list, op, out, e), Edit)
        })
    }

    /// An empty image for each platform (an empty list: linux/amd64).
    pub fn scratch(context: &Context, platforms: &[&str]) -> Result<Self> {
        let mut a = Arena::default();
        let list = a.some(platforms)?;
        unsafe { object(|out, e| koc_sys::koc_edit_new(context.0, list, out, e), Edit) }
    }

    /// One for each platform.
    pub fn images(&self) -> Vec<Image> {
        let image =
            |i| unsafe { Image(koc_sys::koc_image_ref(koc_sys::koc_edit_image(self.0, i))) };
        (0..unsafe { koc_sys::koc_edit_count(self.0) }).map(image).collect()
    }

    /// Limits the changes that follow to these platforms (an empty list: all).
    pub fn select(&mut self, platforms: &[&str]) -> Result<&mut Self> {
        let mut a = Arena::default();
        let list = a.some(platforms)?;
        unsafe { check(|e| koc_sys::koc_edit_select(self.0, list, e)) }?;
        Ok(self)
    }

    /// Records what was opened as the base. Before all other changes.
    pub fn record_base(&mut self, op: Op<'_>) -> Result<&mut Self> {
        op.run(|op| unsafe { check(|e| koc_sys::koc_edit_record_base(self.0, op, e)) })?;
        Ok(self)
    }

    /// Appends layers on top.
    pub fn layers(
        &mut self,
        layers: &[Layer],
        history: &LayerHistory,
        op: Op<'_>,
    ) -> Result<&mut Self> {
        let mut a = Arena::default();
        let (list, o): (Vec<_>, _) = (layers.iter().map(|l| l.0).collect(), history.raw(&mut a)?);
        let (list, n) = (list.as_ptr(), list.len());
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_edit_add_layers(self.0, list, n, &o, op, e))
        })?;
        Ok(self)
    }

    /// Appends files at their paths, as layers.
    pub fn files(
        &mut self,
        list: &[(String, File)],
        options: &LayerOptions,
        history: &LayerHistory,
        op: Op<'_>,
    ) -> Result<&mut Self> {
        let mut a = Arena::default();
        let (raw, n) = (files(list, &mut a)?, list.len());
        let (layer, o) = (options.raw(&mut a)?, history.raw(&mut a)?);
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_edit_add_files(self.0, raw, n, &layer, &o, op, e))
        })?;
        Ok(self)
    }

    /// Changes the settings.
    pub fn change(&mut self, changes: &Changes, op: Op<'_>) -> Result<&mut Self> {
        let mut a = Arena::default();
        let c = changes.raw(&mut a)?;
        op.run(|op| unsafe { check(|e| koc_sys::koc_edit_change(self.0, c, op, e)) })?;
        Ok(self)
    }

    /// Puts each image on another base, and records it. `old_base` None: the one that the image records; `new_base`
    /// None: the current version of that.
    pub fn rebase(
        &mut self,
        client: Option<&Client>,
        old_base: Option<&dyn ToPlace>,
        new_base: Option<&dyn ToPlace>,
        op: Op<'_>,
    ) -> Result<&mut Self> {
        let client = client.map_or(null_mut(), |c| c.0);
        let old = old_base.map(|p| p.to_place()).transpose()?;
        let new = new_base.map(|p| p.to_place()).transpose()?;
        let (old, new) = (old.as_ref().map(|p| p.raw()), new.as_ref().map(|p| p.raw()));
        let old = old.as_ref().map_or(null(), |raw| raw as *const _);
        let new = new.as_ref().map_or(null(), |raw| raw as *const _);
        op.run(|op| unsafe {
            check(|e| koc_sys::koc_edit_rebase(self.0, client, old, new, op, e))
        })?;
        Ok(self)
    }

    /// The changed image or index, as it is now.
    pub fn result(&self) -> Result<Edited> {
        let mut place = koc_sys::koc_place::default();
        unsafe {
            check(|e| koc_sys::koc_edit_place(self.0, &mut place, e))?;
            Ok(match place.image.is_null() {
                true => Edited::Index(Index(koc_sys::koc_index_ref(place.index))),
                false => Edited::Image(Image(koc_sys::koc_image_ref(place.image))),
            })
        }
    }

    /// Of the image or index.
    pub fn descriptor(&self) -> Descriptor {
        unsafe { Descriptor::read(koc_sys::koc_edit_descriptor(self.0)) }
    }

    /// Describes the result as a JSON document (docs/json.md, "koc-edit-1"), with its name.
    pub fn report(&self, reference: Option<&str>) -> Result<String> {
        let (mut a, mut out) = (Arena::default(), Buffer::new());
        let reference = a.optional(&reference)?;
        unsafe { check(|e| koc_sys::koc_edit_report(self.0, reference, &mut out.0, e)) }?;
        Ok(out.text())
    }

    /// What a user may not expect.
    pub fn warnings(&self) -> Vec<String> {
        unsafe { strings(koc_sys::koc_edit_warnings(self.0)) }
    }
}
