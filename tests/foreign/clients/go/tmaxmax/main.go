// github.com/tmaxmax/go-sse, with SubscribeMessages, as its README ends.
package main

import (
	"net/http"

	"github.com/tmaxmax/go-sse"

	"tidings/clients/contract"
)

func main() {
	request, err := http.NewRequest(http.MethodGet, contract.URL(), http.NoBody)
	if err != nil {
		panic(err)
	}
	connection := sse.NewConnection(request)
	hear := func(event sse.Event) { contract.Handed(event.Type, event.Data, event.LastEventID) }
	connection.SubscribeMessages(hear)
	for _, name := range contract.Listen() {
		connection.SubscribeEvent(name, hear)
	}
	if err := connection.Connect(); err != nil {
		contract.Failed(err)
	}
	contract.Ended()
}
