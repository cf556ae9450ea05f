// Package contract is the contract of every client program: `PROGRAM URL [--listen TYPE]... [--parse]`, and one JSON
// object a line on stdout.
package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

var lines sync.Mutex

// URL is what to read.
func URL() string { return os.Args[1] }

// Listen has the types of events to ask for by name, where a library wants names.
func Listen() (types []string) {
	for n, argument := range os.Args {
		if argument == "--listen" {
			types = append(types, os.Args[n+1])
		}
	}
	return types
}

// Handed says what the library has handed over. With `--parse`, data that is no JSON is an error, which is a value in Go:
// the program tells it and goes on.
func Handed(event, data, id string) {
	for _, argument := range os.Args {
		if argument != "--parse" {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(data), &value); err != nil {
			Failed(err)
			return
		}
	}
	say(map[string]any{"event": event, "data": data, "id": id})
}

// Failed says an error that the library has told.
func Failed(err error) { say(map[string]any{"error": err.Error()}) }

// Ended says that the library will not come back by itself.
func Ended() { say(map[string]any{"ended": true}) }

func say(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	lines.Lock()
	defer lines.Unlock()
	fmt.Println(string(text))
}
