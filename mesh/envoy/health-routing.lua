-- The health of a service is for the process that serves it to say, and which one is meant stands in the request's
-- message, where no route can see it. So this reads the message (it is tiny, and Envoy bounds what is held) and has the
-- route chosen again. What it cannot read, a compressed message for one, goes to thread-command, as '' does: it answers
-- for the mesh, and NOT_FOUND of what nobody serves. Envoy pastes this file into its configuration (render-config.ts).

-- The name in a HealthCheckRequest behind the 5 bytes of its gRPC frame: field 1, of less than 128 bytes.
local function service_in(frame)
  local compressed, tag, length = frame:byte(1), frame:byte(6), frame:byte(7)
  if compressed ~= 0 or tag ~= 10 or length > 127 then return '' end
  return frame:sub(8, 7 + length)
end

function envoy_on_request(handle)
  -- Waits for the whole message, and kills the wrapper of the headers.
  local body = handle:body()
  if body == nil or body:length() < 8 then return end
  local service = service_in(body:getBytes(0, math.min(body:length(), 256)))
  if service:find('QueryService$') or service:find('^grpc%.reflection%.') then
    handle:headers():replace('x-mesh-health', 'thread-query')
    handle:clearRouteCache()
  end
end
