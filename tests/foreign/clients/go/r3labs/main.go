// github.com/r3labs/sse/v2, with SubscribeRaw, since the hub knows no parameter `stream`.
package main

import (
	"github.com/r3labs/sse/v2"

	"tidings/clients/contract"
)

func main() {
	client := sse.NewClient(contract.URL())
	err := client.SubscribeRaw(func(message *sse.Event) {
		contract.Handed(string(message.Event), string(message.Data), string(message.ID))
	})
	if err != nil {
		contract.Failed(err)
	}
	contract.Ended()
}
