"""Asks a server of pages for one after another on a single connection. Usage: requests.py PORT COUNT"""
import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
for number in range(int(sys.argv[2])):
    connection.request("GET", f"/{number}")
    connection.getresponse().read()
