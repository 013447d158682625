/* koc/koc.h: the stable part of libkoc in one include. The ext/ headers are included by name. */
#ifndef KOC_KOC_H
#define KOC_KOC_H

#include <koc/auth.h>
#include <koc/base.h>
#include <koc/context.h>
#include <koc/digest.h>
#include <koc/error.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/layer.h>
#include <koc/reference.h>
#include <koc/registry.h>
#include <koc/resolve.h>
#include <koc/store.h>
#include <koc/transport.h>
#include <koc/version.h>

#endif
