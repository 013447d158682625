// Hello is a small web server to try koc on: it serves the files of kodata/ at /,
// a greeting at /hello, and its health at /healthz.
//
//	koc build .
//	PORT=8080 go run .
package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	server := &http.Server{
		Addr:              ":" + env("PORT", "8080"),
		Handler:           handler(env("KO_DATA_PATH", "kodata")),
		ReadHeaderTimeout: 10 * time.Second,
	}
	if err := serve(ctx, server); err != nil {
		log.Fatal(err)
	}
}

// env returns the variable's value, or fallback when it is empty or not set.
func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

// handler serves the files below data. In an image that is the kodata layer: koc packs the
// folder kodata beside main.go and sets KO_DATA_PATH to where it went.
func handler(data string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(data)))
	mux.HandleFunc("/hello", hello)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}

func hello(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "world"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>hello</title><p>Hello, %s.\n", html.EscapeString(name))
}

// serve runs until ctx ends, then lets requests under way finish.
func serve(ctx context.Context, server *http.Server) error {
	failed := make(chan error, 1)
	go func() {
		log.Printf("listening on %s", server.Addr)
		failed <- server.ListenAndServe()
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Print("stopped")
	return nil
}
