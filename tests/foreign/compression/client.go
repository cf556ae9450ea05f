// Prints a compressed stream as it is read: by a gzip.Reader, or, with "transport", by the transport, which asks for gzip by itself.
package main

import (
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	request, err := http.NewRequest("GET", os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	byTransport := len(os.Args) > 2
	if !byTransport {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	var reader io.Reader = answer.Body
	if byTransport {
		if !answer.Uncompressed {
			log.Fatal("the transport has got no compressed answer")
		}
	} else if reader, err = gzip.NewReader(answer.Body); err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 65_536)
	for {
		count, err := reader.Read(buffer)
		os.Stdout.Write(buffer[:count])
		if err != nil {
			log.Fatal(err)
		}
	}
}
