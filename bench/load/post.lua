-- For wrk: POST with a body of so many bytes.
wrk.method = 'POST'
wrk.body = string.rep('x', tonumber(os.getenv('BODY_BYTES')))
wrk.headers['Content-Type'] = 'application/octet-stream'
