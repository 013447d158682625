// A registry in memory with the referrers API, for the tests: cue's ociregistry behind flags.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	var options ociserver.Options
	var config ocimem.Config
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	certificate := flag.String("cert", "", "PEM file; with -key: https")
	key := flag.String("key", "", "PEM file")
	flag.BoolVar(&config.ImmutableTags, "immutable-tags", false, "refuse to move a tag")
	flag.BoolVar(&options.DisableReferrersAPI, "no-referrers", false, "as if it were old")
	flag.BoolVar(&options.DisableSinglePostUpload, "no-single-post", false, "202 to a POST with a body")
	flag.BoolVar(&options.OmitDigestFromTagGetResponse, "no-tag-digest", false, "as Amazon ECR")
	flag.BoolVar(&options.OmitLinkHeaderFromResponses, "no-link", false, "lists without Link")
	flag.IntVar(&options.MaxListPageSize, "max-page", 0, "refuse larger pages")
	flag.Parse()

	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	handler := ociserver.New(ocimem.NewWithConfig(&config), &options)
	if *certificate != "" {
		log.Fatal(http.ServeTLS(listener, handler, *certificate, *key))
	}
	log.Fatal(http.Serve(listener, handler))
}
