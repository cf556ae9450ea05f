// github.com/gorilla/websocket: connects to the first argument, prints each message as a line, and sends each line of stdin.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/gorilla/websocket"
)

func main() {
	dialer := websocket.Dialer{Subprotocols: []string{"tidings.v1"}, EnableCompression: true}
	socket, _, err := dialer.Dial(os.Args[1], nil)
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"protocol\":%q}\n", socket.Subprotocol())
	go send(socket)
	for {
		_, message, err := socket.ReadMessage()
		if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
			fmt.Printf("{\"closed\":%d}\n", closed.Code)
			return
		}
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s\n", message)
	}
}

func send(socket *websocket.Conn) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if err := socket.WriteMessage(websocket.TextMessage, lines.Bytes()); err != nil {
			return
		}
	}
	_ = socket.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
}
