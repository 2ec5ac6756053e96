-- Gives every error answer to an older REST client the shape that it knows, and every answer the headers that keep browsers
-- and caches from harm. Of gRPC it only puts Envoy's own words into ours.
-- Envoy pastes this file into its configuration (render-config.ts).

-- How errors look: `messages` are JSON string literals, quotes included.
local function error_messages(_, messages)
  return '{"error_messages":[' .. table.concat(messages, ',') .. ']}'
end
local function code_and_message(status, messages)
  for index, message in ipairs(messages) do messages[index] = message:sub(2, -2) end
  return '{"code":' .. status .. ',"message":"' .. table.concat(messages, '; ') .. '"}'
end
-- The first that a path begins with counts. What no service knows looks as at the older system whose port it came to.
local shapes = {
  { path = '/auth/', render = code_and_message },
  { path = '/messenger/', render = code_and_message },
  { path = '/v1/', render = error_messages },
  { path = '/', port = ':${MESSENGER_PORT}', render = code_and_message },
  { path = '/', render = error_messages },
}

-- What to say when an answer carries no text of its own.
local reasons = {
  ['400'] = 'malformed request', ['401'] = 'not authenticated', ['403'] = 'not permitted', ['404'] = 'not found',
  ['405'] = 'method is not allowed',
  ['408'] = 'request time-out', ['413'] = 'body is too large', ['415'] = 'content-type: must be application/json',
  ['429'] = 'too many requests', ['431'] = 'headers are too large', ['500'] = 'internal error',
  ['501'] = 'not implemented', ['502'] = 'bad gateway', ['503'] = 'service is unavailable', ['504'] = 'time-out',
}

-- Envoy's words for what it answers itself, and grpc-js' for a deadline, in ours.
local plain_texts = {
  ['Payload Too Large'] = 'body is too large',
  ['downstream duration timeout'] = 'time-out',
  ['upstream request timeout'] = 'time-out',
  ['upstream max stream duration reached'] = 'time-out',
  ['stream timeout'] = 'time-out',
  ['Deadline exceeded'] = 'time-out',
  ['Request Timeout'] = 'request time-out',
  ['no healthy upstream'] = 'service is unavailable',
  ['envoy overloaded'] = 'service is unavailable',
  ['local_rate_limited'] = 'too many requests',
  ['RBAC: access denied'] = 'not permitted',
  -- Of tokens: what the services say, which check them too.
  ['Jwt is missing'] = 'a token is needed',
  ['Jwt is expired'] = 'the token has expired',
  ['Jwt not yet valid'] = 'the token is not valid yet',
  ['Jwt issuer is not configured'] = 'the token is of another issuer',
  ['Audiences in Jwt are not allowed'] = 'the token is not for this',
  ['Jwt verification fails'] = "the token's signature is wrong",
  ["Jwks doesn't have key to match kid or alg from Jwt"] = 'the token is signed by a key that is not known here',
  ['Jwks remote fetch is failed'] = 'tokens cannot be checked at the moment, try again',
}

local function known(text)
  if plain_texts[text] then return plain_texts[text] end
  if text:find('^upstream ') then return 'service is unavailable' end
  if text:find('^Jw[tk]s? ') then return 'the token cannot be read' end
end

-- Where Envoy's translation of HTTP statuses into those of gRPC says INTERNAL or UNKNOWN of what the client did, and where
-- Envoy takes for a lack of permission what is a token that proves nothing here.
local grpc_statuses = { ['body is too large'] = '8', ['the token is not for this'] = '16' }

-- What Envoy itself answers a gRPC client, in our words.
local function reword_for_grpc(headers)
  local text = headers:get('grpc-message')
  if text == nil then return end
  local ours = known(text) or text
  if ours ~= text then headers:replace('grpc-message', ours) end
  local code = text:find('^grpc%-timeout: ') and '3' or grpc_statuses[ours]
  if code then headers:replace('grpc-status', code) end
end

-- The transcoder's words for a body that it cannot read, in ours. What is wrong with a field is for the services to
-- say, all at once: the transcoder would stop at the first one, so the older requests' fields take any type.
-- Texts are JSON-escaped, and so is what this gives. What follows the first line shows the place in the body.
local function readable(text, first_line)
  if known(text) then return known(text) end
  local repeated = text:match("oneof field '_([%w_]+)' is already set")
  if repeated then return repeated .. ': must be given once' end
  if text:find('Root element must be a message', 1, true) then return 'body: must be a JSON object' end
  if text:find('Proto fields must have a name', 1, true) then return 'body: a key must not be empty' end
  if text:find('^Message too deep') then return 'body: is nested too deeply' end
  if text ~= first_line then return 'body: malformed JSON: ' .. first_line end
  return text
end

-- The JSON string literal that starts at `start` (behind its opening quote), cut at its line breaks into literals of
-- its own. Works on the escaped form, so that what was valid JSON stays valid JSON.
local function lines_of_literal(json, start)
  local lines, from, at = {}, start, start
  local function take(to)
    if to >= from then lines[#lines + 1] = json:sub(from, to) end
  end
  while true do
    local hit = json:find('[\\"]', at)
    if not hit then return {} end
    if json:sub(hit, hit) == '"' then
      take(hit - 1)
      return lines
    end
    local escape = json:match('^\\n', hit) or json:match('^\\u000[aA]', hit)
    if escape then
      take(hit - 1)
      from = hit + #escape
    end
    at = hit + (escape and #escape or 2)
  end
end

-- The messages in an answer's body, JSON-escaped.
local function messages_in(body)
  -- google.rpc.Status as the transcoder prints it: what a service answered, one message a line.
  local _, service_text = body:find('^{"code":%d+,"message":"')
  if service_text then
    local lines = lines_of_literal(body, service_text + 1)
    -- Not the service's own words: its sidecar's, which gets the same deadline and may be the first to see it pass.
    if #lines == 1 then lines[1] = known(lines[1]) or lines[1] end
    return lines
  end
  -- local_reply_config's form: what Envoy answered.
  local _, envoy_text = body:find('^{"error_messages":%["')
  if not envoy_text then return {} end
  local lines = lines_of_literal(body, envoy_text + 1)
  if #lines == 0 then return {} end
  return { readable(table.concat(lines, ' '), lines[1]) }
end

-- gRPC codes as HTTP ones, as the transcoder has them.
local http_statuses = {
  ['1'] = '499', ['3'] = '400', ['4'] = '504', ['5'] = '404', ['6'] = '409', ['7'] = '403', ['8'] = '429', ['9'] = '400',
  ['10'] = '409', ['11'] = '400', ['12'] = '501', ['14'] = '503', ['16'] = '401',
}

-- The messages in a grpc-message header, JSON-escaped: percent-encoded UTF-8, one a line.
local function messages_in_header(text)
  local lines = {}
  local decoded = text:gsub('%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end)
  for line in decoded:gmatch('[^\n]+') do
    lines[#lines + 1] = line:gsub('[%c"\\]', function(char) return ('\\u%04x'):format(char:byte()) end)
  end
  return lines
end

-- Statuses that pass: after so many seconds, the same request may be answered.
local pauses = { ['429'] = 10, ['502'] = 1, ['503'] = 1, ['504'] = 1 }

-- To a browser's EventSource any status but 200 is the end for good; of a stream that ends, it asks again, with
-- Last-Event-ID, after `retry` milliseconds. What it is told of an error that passes.
local function come_back(status)
  return 'retry: ' .. pauses[status] * 1000 .. '\n: ' .. reasons[status] .. '\n\n'
end

-- An answer is data for the one who asked: nothing to guess the type of, to show as a page or in one, to keep, or to
-- name to other sites (OWASP's REST security cheat sheet).
local protections = {
  ['cache-control'] = 'no-store',
  ['content-security-policy'] = "default-src 'none'; frame-ancestors 'none'",
  ['referrer-policy'] = 'no-referrer',
  ['x-content-type-options'] = 'nosniff',
  ['x-frame-options'] = 'DENY',
}

-- Puts in what every answer has that is not gRPC.
local function protect(handle, headers)
  for name, value in pairs(protections) do headers:replace(name, value) end
  -- A promise for the whole host, that counts only where it comes by TLS.
  if handle:streamInfo():downstreamSslConnection() then
    headers:replace('strict-transport-security', 'max-age=31536000')
  end
  local status = headers:get(':status')
  if status == '429' or status == '503' then headers:replace('retry-after', tostring(pauses[status])) end
end

local function shape_for(path, address)
  for index, shape in ipairs(shapes) do
    local is_port = shape.port == nil or address:sub(-#shape.port) == shape.port
    if is_port and path:sub(1, #shape.path) == shape.path then return index end
  end
  return #shapes
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local request_id = headers:get('x-request-id') or ''
  -- Where no traces are recorded (flags 00), one starts here when the client brings none. Its id is the request id's, so
  -- that one id finds everything. Where they are, Envoy writes its own over it.
  if headers:get('traceparent') == nil and request_id:find('^%x+%-%x+%-%x+%-%x+%-%x+$') and #request_id == 36 then
    local trace_id = request_id:gsub('-', ''):lower()
    headers:add('traceparent', '00-' .. trace_id .. '-' .. trace_id:sub(17) .. '-00')
  end
  -- Services know a repeated command by an id of 1 to 128 visible characters; with another, a repeat would run twice.
  if #request_id > 128 or request_id:find('[^!-~]') then headers:replace('x-envoy-max-retries', '0') end
  local is_grpc = (headers:get('content-type') or ''):find('^application/grpc')
  -- Routes choose the instance by this header. Ids mean the same in lower case.
  local thread_id = headers:get('x-thread-id')
  if not is_grpc then thread_id = (headers:get(':path') or ''):match('^/v1/threads/([^/?]+)') end
  if thread_id then headers:replace('x-thread-id', thread_id:upper()) end
  if not is_grpc then
    local path = headers:get(':path') or '/'
    handle:streamInfo():dynamicMetadata():set('legacy_errors', 'shape', shape_for(path, handle:streamInfo():downstreamLocalAddress()))
    if path:find('^/v1/threads/[^/?]+/events') and (headers:get('accept') or ''):find('text/event-stream', 1, true) then
      handle:streamInfo():dynamicMetadata():set('legacy_errors', 'is_event_source', true)
    end
    -- What the transcoder knows is GET. Of events there is no HEAD.
    if headers:get(':method') == 'HEAD' then
      handle:streamInfo():dynamicMetadata():set('legacy_errors', 'is_head', true)
      if not path:find('/events') then headers:replace(':method', 'GET') end
    end
  end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  -- Set for those who do not speak gRPC.
  local client = handle:streamInfo():dynamicMetadata():get('legacy_errors')
  if client == nil then
    -- What Envoy refuses before it asks the filters comes by here, too.
    local is_grpc = (headers:get('content-type') or ''):find('^application/grpc')
    return is_grpc and reword_for_grpc(headers) or protect(handle, headers)
  end
  -- The transcoder leaves a status as it is when it carries details of a type that it does not know.
  local untouched = (headers:get('content-type') or ''):find('^application/grpc') and headers:get('grpc-status')
  local header_text = headers:get('grpc-message') or ''
  for _, name in ipairs({ 'grpc-status', 'grpc-message', 'grpc-status-details-bin', 'grpc-encoding', 'grpc-accept-encoding' }) do
    headers:remove(name)
  end
  local status = headers:get(':status')
  if untouched and untouched ~= '0' then
    status = http_statuses[untouched] or '500'
    headers:replace(':status', status)
  end
  protect(handle, headers)
  -- What a page is shown depends on where it comes from, whatever the answer.
  local vary = headers:get('vary')
  if vary == nil or not vary:find('Origin', 1, true) then headers:add('vary', 'Origin') end
  if (headers:get('content-type') or ''):find('^text/event%-stream') then headers:replace('cache-control', 'no-cache') end
  if client['is_head'] then
    for chunk in handle:bodyChunks() do chunk:setBytes('') end
    return
  end
  if status < '400' then return end

  -- This waits, and afterwards the old wrapper of the headers is dead.
  local body = handle:body(true)
  if client['is_event_source'] and pauses[status] then
    local length = body:setBytes(come_back(status))
    headers = handle:headers()
    headers:replace(':status', '200')
    headers:replace('content-length', tostring(length))
    headers:replace('content-type', 'text/event-stream; charset=utf-8')
    headers:replace('cache-control', 'no-cache')
    headers:remove('retry-after')
    return
  end
  local messages = untouched and messages_in_header(header_text) or messages_in(body:getBytes(0, body:length()))
  if #messages == 0 then messages = { reasons[status] or 'error' } end
  local is_unproved = status == '403' and messages[1] == 'the token is not for this'
  if is_unproved then status = '401' end
  for index, message in ipairs(messages) do messages[index] = '"' .. message .. '"' end
  local length = body:setBytes(shapes[client['shape']].render(status, messages))
  headers = handle:headers()
  if is_unproved then
    headers:replace(':status', status)
    headers:replace('www-authenticate', 'Bearer error="invalid_token"')
  end
  headers:replace('content-length', tostring(length))
  headers:replace('content-type', 'application/json')
end
